import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Identity, startIdentity } from '@gatehouse/identity'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { verifies } from '../requirements.ts'

let folder: string
let running: Identity | undefined
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-identity-'))
})
afterEach(async () => {
  await running?.stop()
  running = undefined
  await rm(folder, { recursive: true, force: true })
})

const config = (data: string, port = 0) => ({ host: '127.0.0.1', port, data })

test('a folder that another provider uses is refused, and free again afterwards', async () => {
  running = await startIdentity(config(folder))
  await expect(startIdentity(config(folder))).rejects.toMatchObject({ code: 'data_folder_in_use' })
  await running.stop()
  running = await startIdentity(config(folder))
})

test('a broken database and a folder that is a file are refused, each with its code', async () => {
  verifies('OPS-1.1')
  const file = join(folder, 'identity.sqlite')
  await writeFile(file, 'this is no database, and long enough to be looked at as one'.repeat(100))
  await expect(startIdentity(config(folder))).rejects.toMatchObject({ code: 'data_folder_broken' })
  await expect(startIdentity(config(file))).rejects.toMatchObject({ code: 'data_folder_unusable' })
})

test('a port in use is refused with its code, and the folder is left free', async () => {
  verifies('OPS-1.1')
  running = await startIdentity(config(join(folder, 'a')))
  const port = Number(new URL(running.url).port)
  const other = join(folder, 'b')
  await expect(startIdentity(config(other, port))).rejects.toMatchObject({ code: 'port_in_use' })
  await (await startIdentity(config(other))).stop()
})
