import { randomUUID } from 'node:crypto'
import { watch } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const FILE = 'session.changed'

/** Tells the other windows of this machine that the secret store has changed; says nothing about how. */
export interface ChangeSignal {
  send(): Promise<void>
  dispose(): void
}

/** Keychains tell nobody of changes, so a file in a folder that all windows share does. */
export async function openChangeSignal(folder: string, onChange: () => void): Promise<ChangeSignal> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const watcher = watch(folder, { persistent: false }, (_event, name) => {
    // Where the system does not name the file (a null), looking once too often does no harm.
    if (name === null || name === FILE) onChange()
  })
  watcher.on('error', () => watcher.close())
  return {
    send: () => writeFile(join(folder, FILE), randomUUID(), { mode: 0o600 }),
    dispose: () => watcher.close(),
  }
}
