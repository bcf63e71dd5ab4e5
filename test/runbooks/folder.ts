import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Logger } from '@gatehouse/kit'
import { FOLDER_LIMITS, type FolderLimits } from '../../companion/servers/runbooks/src/library/folder.ts'
import { Library } from '../../companion/servers/runbooks/src/library/library.ts'

/** A folder of runbooks that a test writes, with the library on it, which looks at the folder each time. */
export interface Folder {
  readonly path: string
  readonly library: Library
  /** Lines of the library's log. */
  readonly log: string[]
  /** Ids that it told of as changed. */
  readonly changed: string[]
  write(name: string, content: string | Buffer): Promise<void>
  ids(): Promise<string[]>
  remove(): Promise<void>
}

export async function openFolder(
  files: Readonly<Record<string, string>> = {},
  limits: Partial<FolderLimits> = {},
): Promise<Folder> {
  const path = await mkdtemp(join(tmpdir(), 'gatehouse-runbooks-'))
  const write = (name: string, content: string | Buffer) => writeFile(join(path, name), content)
  for (const [name, content] of Object.entries(files)) await write(name, content)
  const log: string[] = []
  const changed: string[] = []
  const note = (message: string, fields: object = {}) => void log.push(JSON.stringify({ message, ...fields }))
  const logger: Logger = { info: note, warn: note, error: note }
  const library = await Library.open({
    folder: path,
    log: logger,
    limits: { ...FOLDER_LIMITS, ...limits },
    maxAge: 0,
    onChange: (id) => changed.push(id),
  })
  return {
    path,
    library,
    log,
    changed,
    write,
    ids: async () => (await library.runbooks()).map(({ runbook }) => runbook.id),
    remove: () => rm(path, { recursive: true, force: true }),
  }
}
