import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { PlanError } from './errors.ts'
import type { PlanSeal } from './seal.ts'
import { readStored, writeStored } from './stored-plan.ts'
import type { PlanEntry, PlansLog } from './types.ts'

const MAX_FILE_BYTES = 16 * 1024 * 1024
/** Plans kept, decided ones included. */
const MAX_PLANS = 200

/**
 * Plans on disk, one file each, so that two windows over one folder never overwrite each other's plan. Writes are synchronous and
 * flushed: an approval that is not on disk has not been given, and a start that is not on disk must not be sent.
 */
export interface PlanFolder {
  load(): PlanEntry[]
  /** @throws PlanError `plan_not_saved` */
  save(entry: PlanEntry): void
}

export function openPlanFolder(folder: string, seal: PlanSeal, log: PlansLog): PlanFolder {
  return {
    load() {
      const entries = fileNames(folder)
        .map((name) => loadFile(folder, name, seal, log))
        .filter((entry) => entry !== undefined)
        .sort((a, b) => Date.parse(b.plan.createdAt) - Date.parse(a.plan.createdAt))
      for (const old of entries.slice(MAX_PLANS)) rmSync(join(folder, `${old.plan.id}.json`), { force: true })
      return entries.slice(0, MAX_PLANS)
    },
    save(entry) {
      try {
        replaceFile(folder, `${entry.plan.id}.json`, writeStored(entry, seal))
      } catch (cause) {
        throw new PlanError('plan_not_saved', 'The plan could not be saved, so nothing was decided or started.', {
          cause,
        })
      }
    },
  }
}

function fileNames(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.json'))
  } catch {
    return []
  }
}

/** A file that cannot be read as a plan, or that somebody else has written, is set aside for a person to look at; the others are unaffected. */
function loadFile(folder: string, name: string, seal: PlanSeal, log: PlansLog): PlanEntry | undefined {
  const path = join(folder, name)
  try {
    if (statSync(path).size > MAX_FILE_BYTES) throw new RangeError('the file is too large')
    const entry = readStored(readFileSync(path, 'utf8'), seal)
    if (`${entry.plan.id}.json` !== name) throw new RangeError('the file is named after another plan')
    return entry
  } catch {
    log({
      level: 'warn',
      code: 'plan_file_invalid',
      message: `A stored plan could not be read and was set aside: ${name}.broken`,
    })
    try {
      renameSync(path, `${path}.broken`)
    } catch {
      log({ level: 'warn', code: 'plan_file_invalid', message: `${name} could not be renamed` })
    }
    return undefined
  }
}

function replaceFile(folder: string, name: string, text: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  chmodSync(folder, 0o700)
  const temporary = join(folder, `.${name}.${randomBytes(6).toString('hex')}`)
  const file = openSync(temporary, 'wx', 0o600)
  try {
    writeSync(file, text)
    fsyncSync(file)
  } catch (error) {
    closeSync(file)
    rmSync(temporary, { force: true })
    throw error
  }
  closeSync(file)
  renameSync(temporary, join(folder, name))
}
