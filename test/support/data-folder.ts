import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface DataFolder {
  readonly path: string
  remove(): Promise<void>
}

/** A data folder for `gatehouse up`. As root its PostgreSQL cluster stands elsewhere, and goes with it. */
export async function temporaryDataFolder(): Promise<DataFolder> {
  const path = await mkdtemp(join(tmpdir(), 'gatehouse-up-'))
  return {
    path,
    async remove() {
      const moved = await readFile(join(path, 'postgres/moved-to.txt'), 'utf8').catch(() => '')
      if (moved !== '') await rm(moved.trim(), { recursive: true, force: true })
      await rm(path, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}
