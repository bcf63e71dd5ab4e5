import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { CliError } from './cli-error.ts'

/**
 * Makes the data folder where it is missing and takes it for this process until it ends, however it ends: the lock is SQLite's, on an
 * empty database, because Node has no `flock` and a file with a pid in it outlives `kill -9`.
 * @returns releases the folder
 * @throws CliError `data_folder_broken`, `data_folder_in_use`
 */
export function takeDataFolder(folder: string): () => void {
  const file = join(folder, 'lock.sqlite')
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    closeSync(openSync(file, 'a', 0o600))
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? 'unknown'
    throw new CliError('data_folder_broken', `cannot write to the data folder ${folder} (${why})`, { cause })
  }
  const database = openLock(file, folder)
  try {
    database.exec('BEGIN EXCLUSIVE')
  } catch (cause) {
    database.close()
    if (cause instanceof Error && cause.message.includes('locked')) {
      throw new CliError('data_folder_in_use', `another "gatehouse up" uses the data folder ${folder}`, { cause })
    }
    throw new CliError('data_folder_broken', `${file} is damaged; remove it if no "gatehouse up" runs`, { cause })
  }
  return () => database.close()
}

/** Loaded here and not imported: on an older Node the import would end the program before it could say that it needs a newer one. */
function openLock(file: string, folder: string): DatabaseSync {
  try {
    const { DatabaseSync } = process.getBuiltinModule('node:sqlite')
    return new DatabaseSync(file)
  } catch (cause) {
    throw new CliError('data_folder_broken', `cannot use the data folder ${folder}`, { cause })
  }
}
