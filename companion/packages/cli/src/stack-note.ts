import { join } from 'node:path'
import type { Addresses } from './addresses.ts'
import { CliError } from './cli-error.ts'
import { DEV_SECRET_FILE } from './secrets.ts'
import type { ServiceName } from './services.ts'
import { removeStackFile, type StackFile, writeStackFile } from './stack-file.ts'

/** The stack file of a stack that runs or is starting: kept true from the moment that its first process exists. */
export class StackNote {
  readonly #data: string
  #file: StackFile

  private constructor(data: string, file: StackFile) {
    this.#data = data
    this.#file = file
  }

  /** @throws CliError `data_folder_broken` */
  static async write(data: string, services: readonly ServiceName[], addresses: Addresses): Promise<StackNote> {
    const note = new StackNote(data, {
      issuer: addresses.issuer,
      ...(services.includes('registry') && { registry: addresses.registry }),
      servers: addresses.servers,
      devSecretFile: join(data, DEV_SECRET_FILE),
      pids: [],
    })
    try {
      await note.#save()
    } catch (cause) {
      throw new CliError('data_folder_broken', `cannot write to the data folder ${data}`, { cause })
    }
    return note
  }

  /**
   * Notes a process, so that a start after `kill -9` finds it. One that cannot be written is left out: the other commands still work, and such a
   * start waits for the ports instead.
   * @param running the others that are there
   */
  remember(pid: number, running: readonly number[]): void {
    if (this.#file.pids.includes(pid)) return
    this.#file = { ...this.#file, pids: [...new Set([...running, pid])] }
    this.#save().catch(() => undefined)
  }

  async remove(): Promise<void> {
    await removeStackFile(this.#data)
  }

  async #save(): Promise<void> {
    await writeStackFile(this.#data, this.#file)
  }
}
