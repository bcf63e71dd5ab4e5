import { createHash, randomUUID } from 'node:crypto'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SecretStore } from '../../src/session/types.ts'

/** A secret store in a folder, for windows that are processes of their own and share it as they share a keychain. */
export class FileStore implements SecretStore {
  readonly label = 'files'

  constructor(private readonly folder: string) {}

  async get(key: string): Promise<string | undefined> {
    try {
      return await readFile(this.#fileOf(key), 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }

  /** All of it or nothing, as a keychain does it. */
  async set(key: string, value: string): Promise<void> {
    const draft = join(this.folder, randomUUID())
    await writeFile(draft, value, { mode: 0o600 })
    await rename(draft, this.#fileOf(key))
  }

  async delete(key: string): Promise<void> {
    await rm(this.#fileOf(key), { force: true })
  }

  #fileOf(key: string): string {
    return join(this.folder, createHash('sha256').update(key).digest('hex'))
  }
}
