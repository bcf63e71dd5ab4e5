import { constants } from 'node:fs'
import { type FileHandle, lstat, open, opendir } from 'node:fs/promises'
import { join } from 'node:path'
import { LibraryError } from './library-error.ts'

export interface FolderLimits {
  /** Runbooks at most; more, by name, are left out. */
  readonly files: number
  /** Entries of the folder that are looked at; a folder with more is refused. */
  readonly entries: number
  /** Bytes of one file. */
  readonly fileBytes: number
  /** Bytes of all files that are kept. */
  readonly totalBytes: number
}

export const FOLDER_LIMITS: FolderLimits = {
  files: 500,
  entries: 5_000,
  fileBytes: 256 * 1024,
  totalBytes: 16 * 1024 * 1024,
}

export interface FolderFile {
  /** The file's name without `.md`, which is all that its address is made of. */
  readonly id: string
  readonly name: string
  /** Another one when the file changed. */
  readonly stamp: string
}

/** No slash, no dot, no blank: a name cannot lead out of the folder, and is an address as it stands. */
export const RUNBOOK_ID = /^[a-z0-9][a-z0-9-]{0,79}$/
const ENDING = '.md'

/**
 * The Markdown files of a folder, by name; those in folders below it are not looked for. Links are not followed and not listed.
 * @throws LibraryError `folder_unusable`
 */
export async function listFolder(folder: string, limits: FolderLimits): Promise<readonly FolderFile[]> {
  const names: string[] = []
  let entries = 0
  try {
    for await (const entry of await opendir(folder)) {
      entries += 1
      if (entries > limits.entries) throw new Error(`it holds more than ${limits.entries} entries`)
      if (entry.isFile() && entry.name.endsWith(ENDING)) names.push(entry.name)
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : ''
    throw new LibraryError('folder_unusable', `the folder of runbooks, ${folder}, cannot be read: ${why}`, { cause })
  }
  const files = await Promise.all(names.sort().map((name) => fileOf(folder, name)))
  return files.filter((file) => file !== undefined)
}

/** Undefined for one that is gone meanwhile. */
async function fileOf(folder: string, name: string): Promise<FolderFile | undefined> {
  const stat = await lstat(join(folder, name), { bigint: true }).catch(() => undefined)
  return stat && { id: name.slice(0, -ENDING.length), name, stamp: [stat.ino, stat.size, stat.mtimeNs].join(':') }
}

/**
 * The text of one file, opened so that neither a link is followed nor a pipe waited for, and looked at once it is open: what was listed and what is
 * read may be two.
 * @throws LibraryError `runbook_refused`
 */
export async function readRunbookFile(folder: string, { id, name }: FolderFile, limits: FolderLimits): Promise<string> {
  if (!RUNBOOK_ID.test(id)) throw refused('its name must be of a to z, 0 to 9 and hyphens')
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  const file = await open(join(folder, name), flags).catch((cause: unknown) => {
    throw refused('it cannot be opened as a plain file', cause)
  })
  try {
    if (!(await file.stat()).isFile()) throw refused('it is no plain file')
    return decoded(await bytesOf(file, limits.fileBytes))
  } finally {
    await file.close()
  }
}

async function bytesOf(file: FileHandle, limit: number): Promise<Buffer> {
  // One byte more than may be: so it shows when there is more, also where the file grows meanwhile.
  const buffer = Buffer.alloc(limit + 1)
  let length = 0
  for (;;) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length, length)
    length += bytesRead
    if (length > limit) throw refused(`it is longer than ${limit} bytes`)
    if (bytesRead === 0) return buffer.subarray(0, length)
  }
}

function decoded(bytes: Buffer): string {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw refused('it is not UTF-8', cause)
  }
  if (text.includes('\0')) throw refused('it is not text')
  return text.replaceAll('\r\n', '\n')
}

function refused(why: string, cause?: unknown): LibraryError {
  return new LibraryError('runbook_refused', why, { cause })
}
