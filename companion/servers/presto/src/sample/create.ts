import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { ADS } from './ads.ts'
import { factStatements } from './facts.ts'
import { SANDBOX } from './sandbox.ts'
import { TPCH } from './tpch.ts'

/** The file's name without extension is the catalog's name. */
export const SAMPLE_CATALOG = 'hive'

/**
 * The sample database in `folder`, made on first use: every start with the same version makes the same rows. It appears under its name only
 * when it is whole, so that a process that dies midway leaves nothing that looks finished.
 * @returns path of the file
 */
export async function ensureSample(
  folder: string,
  signal: AbortSignal,
  onProgress: (done: number, total: number) => void = () => undefined,
): Promise<string> {
  const file = join(folder, `${SAMPLE_CATALOG}.duckdb`)
  if (existsSync(file)) return file
  await mkdir(folder, { recursive: true })
  const unfinished = join(folder, 'unfinished-sample.duckdb')
  await discard(unfinished)
  const instance = await DuckDBInstance.create(unfinished, { enable_external_access: 'false' })
  try {
    const connection = await instance.connect()
    const statements = [...TPCH, ...ADS, ...SANDBOX, ...factStatements(), 'CHECKPOINT']
    for (const [index, statement] of statements.entries()) {
      signal.throwIfAborted()
      await connection.run(statement)
      onProgress(index + 1, statements.length)
    }
    connection.closeSync()
  } finally {
    instance.closeSync()
  }
  await rename(unfinished, file)
  return file
}

async function discard(path: string): Promise<void> {
  await rm(path, { force: true })
  await rm(`${path}.wal`, { force: true })
}
