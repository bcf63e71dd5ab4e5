import type { Logger } from '@gatehouse/kit'
import { type IndexedRunbook, indexRunbook } from '../search/indexed-runbook.ts'
import { FOLDER_LIMITS, type FolderFile, type FolderLimits, listFolder, readRunbookFile } from './folder.ts'
import { LibraryError } from './library-error.ts'
import { parseRunbook } from './runbook.ts'

export interface LibraryOptions {
  readonly folder: string
  readonly log: Logger
  readonly limits?: FolderLimits
  /** How long a look at the folder is good for, milliseconds. Default 1000. */
  readonly maxAge?: number
  /** A runbook came, changed or went. */
  readonly onChange?: (id: string) => void
}

interface Kept {
  readonly stamp: string
  readonly bytes: number
  /** Absent: it was refused, and is not looked at again until it changes. */
  readonly runbook: IndexedRunbook | undefined
}

/** The runbooks of one folder, read again where a file has changed. */
export class Library {
  readonly #options: Required<LibraryOptions>
  #kept: ReadonlyMap<string, Kept> = new Map()
  #lookedAt = -Infinity
  #looking: Promise<void> | undefined

  private constructor(options: LibraryOptions) {
    this.#options = { limits: FOLDER_LIMITS, maxAge: 1000, onChange: () => undefined, ...options }
  }

  /** @throws LibraryError `folder_unusable` */
  static async open(options: LibraryOptions): Promise<Library> {
    const library = new Library(options)
    await library.#look(() => undefined)
    return library
  }

  /** All that can be read now, by id. @throws LibraryError `folder_unusable` */
  async runbooks(): Promise<readonly IndexedRunbook[]> {
    if (performance.now() - this.#lookedAt >= this.#options.maxAge) {
      this.#looking ??= this.#look(this.#options.onChange).finally(() => (this.#looking = undefined))
      await this.#looking
    }
    return [...this.#kept.values()].flatMap(({ runbook }) => runbook ?? [])
  }

  async #look(tell: (id: string) => void): Promise<void> {
    const { folder, limits } = this.#options
    const before = this.#kept
    const kept = new Map<string, Kept>()
    let total = 0
    let left = 0
    for (const file of await listFolder(folder, limits)) {
      const known = before.get(file.id)
      const next = known?.stamp === file.stamp ? known : await this.#read(file)
      if (next.runbook && (total + next.bytes > limits.totalBytes || countOf(kept) >= limits.files)) {
        left += 1
        continue
      }
      total += next.bytes
      kept.set(file.id, next)
    }
    this.#kept = kept
    this.#lookedAt = performance.now()
    if (left > 0) {
      const message = `${left} runbooks are left out: at most ${limits.files} files and ${limits.totalBytes} bytes are kept`
      this.#options.log.warn(message, { code: 'runbooks_left_out' })
    }
    for (const id of new Set([...before.keys(), ...kept.keys()])) {
      if (before.get(id)?.runbook !== kept.get(id)?.runbook) tell(id)
    }
  }

  /** A file that cannot be served is left out and said so; it does not keep the others away. */
  async #read(file: FolderFile): Promise<Kept> {
    const { folder, limits, log } = this.#options
    try {
      const text = await readRunbookFile(folder, file, limits)
      return {
        stamp: file.stamp,
        bytes: Buffer.byteLength(text),
        runbook: indexRunbook(parseRunbook(file.id, text)),
      }
    } catch (error) {
      if (!(error instanceof LibraryError)) throw error
      log.warn(`a runbook is left out: ${error.message}`, { code: error.code, file: file.name })
      return { stamp: file.stamp, bytes: 0, runbook: undefined }
    }
  }
}

function countOf(kept: ReadonlyMap<string, Kept>): number {
  let count = 0
  for (const { runbook } of kept.values()) if (runbook) count += 1
  return count
}
