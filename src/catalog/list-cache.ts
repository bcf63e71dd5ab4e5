import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Nothing longer can be a list. */
const MAX_BYTES = 16 * 1024 * 1024

/**
 * The signed list on disk, one file for each registry and person, as it came. It is believed no more than the network: it is verified when
 * it is read. Mode 0600, since it says what a person may use.
 */
export class ListCache {
  constructor(
    readonly folder: string,
    readonly registryUrl: string,
  ) {}

  async read(subject: string): Promise<string | undefined> {
    try {
      if ((await stat(this.#file(subject))).size > MAX_BYTES) return undefined
      return await readFile(this.#file(subject), 'utf8')
    } catch {
      return undefined
    }
  }

  /** Whole or not at all: a crash leaves the old file. */
  async write(subject: string, jws: string): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 })
    const draft = `${this.#file(subject)}.${randomUUID()}`
    try {
      await writeFile(draft, jws, { mode: 0o600, flag: 'wx' })
      await rename(draft, this.#file(subject))
    } finally {
      await rm(draft, { force: true })
    }
  }

  async erase(subject: string): Promise<void> {
    await rm(this.#file(subject), { force: true })
  }

  #file(subject: string): string {
    const name = createHash('sha256').update(`${this.registryUrl}\n${subject}`).digest('hex').slice(0, 32)
    return join(this.folder, `list-${name}.jwt`)
  }
}
