import { randomBytes } from 'node:crypto'
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { CliError } from './cli-error.ts'
import { readIfPresent, writePrivate } from './private-file.ts'

export interface Secrets {
  /** Opens the development endpoints of identity and registry. */
  readonly dev: string
  /** With it the servers deliver their audit to the registry. */
  readonly intake: string
}

export const DEV_SECRET_FILE = 'dev-secret'
const INTAKE_FILE = 'intake-token'
/** 32 bytes in base64url. */
const SECRET = /^[A-Za-z0-9_-]{43}$/

/** Reads the local stack's secrets, making them on first start. @throws CliError `data_folder_broken` */
export async function loadSecrets(folder: string): Promise<Secrets> {
  return { dev: await load(join(folder, DEV_SECRET_FILE)), intake: await load(join(folder, INTAKE_FILE)) }
}

async function load(file: string): Promise<string> {
  try {
    const found = (await readIfPresent(file))?.trim()
    const secret = found ?? randomBytes(32).toString('base64url')
    if (!SECRET.test(secret))
      throw new CliError('data_folder_broken', `${file} does not hold a secret; remove it to make a new one`)
    if (found === undefined) await writePrivate(file, `${secret}\n`)
    else await chmod(file, 0o600)
    return secret
  } catch (cause) {
    if (cause instanceof CliError) throw cause
    throw new CliError('data_folder_broken', `cannot read or write ${file}`, { cause })
  }
}
