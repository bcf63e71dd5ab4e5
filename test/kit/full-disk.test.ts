import { execFile } from 'node:child_process'
import pg from 'pg'
import { closeSync, openSync, writeSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { randomUUID } from 'node:crypto'
import { digestOf } from '@gatehouse/contracts'
import { describeServer } from '@gatehouse/kit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verifies } from '../requirements.ts'
import { fixtureServer } from '../support/fixture-tools.ts'
import { startWorld, until, type World } from '../support/fixture-world.ts'
import { type RawAnswer, rawCall } from '../support/mcp-request.ts'

const run = promisify(execFile)

/** A disk of its own, of one megabyte; undefined where this user may not mount one. */
async function mountDisk(): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-disk-'))
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder])
    return folder
  } catch {
    await rm(folder, { recursive: true })
    return undefined
  }
}

/** Writes until there is no room for another byte. */
function fill(path: string): void {
  const file = openSync(path, 'w')
  try {
    for (const size of [64 * 1024, 4 * 1024, 1]) {
      try {
        for (;;) writeSync(file, Buffer.alloc(size))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      }
    }
  } finally {
    closeSync(file)
  }
}

/** A write with its receipt, which may be tried again. */
async function approvedWrite(world: World, line: string): Promise<() => Promise<RawAnswer>> {
  const args = { line }
  const now = Math.floor(Date.now() / 1_000)
  const receipt = await world.device.receipt({
    sub: 'ada',
    aud: world.url,
    iat: now,
    exp: now + 300,
    jti: randomUUID(),
    tool: 'store',
    args: digestOf(args),
    tool_digest: describeServer(fixtureServer()).tools.find(({ name }) => name === 'store')?.digest,
    step: randomUUID(),
    plan: digestOf('plan'),
  })
  const meta = { 'dev.gatehouse/approval': receipt }
  const token = await world.boundToken()
  return () => rawCall({ url: world.url, token, device: world.device, tool: 'store', arguments: args, meta })
}

const disk = await mountDisk()

describe.skipIf(disk === undefined)('a disk that is full under the journal (needs the right to mount one)', () => {
  const folder = disk ?? ''
  const filler = join(folder, 'filler')
  let world: World
  beforeAll(async () => {
    world = await startWorld({ data: join(folder, 'data') })
  })
  afterAll(async () => {
    await world.stop()
    await run('umount', [folder])
    await rm(folder, { recursive: true })
  })

  const call = async (tool: string, args: Record<string, unknown>): Promise<RawAnswer> =>
    rawCall({ url: world.url, token: await world.boundToken(), device: world.device, tool, arguments: args })

  it('refuses what must be audited and says so, runs nothing that it cannot record, and serves again once there is room', async () => {
    verifies('SRV-KIT.12', 'OBS-2.1')
    expect((await call('echo', { text: 'before' })).structured).toEqual({ value: 'before' })
    fill(filler)

    // The first may find the journal's file with a little room left in it.
    let refused: RawAnswer | undefined
    await until(async () => {
      const answer = await call('echo', { text: 'while it is full' })
      if (answer.isError) refused = answer
      return answer.isError
    })
    expect(refused?.status).toBe(200)
    expect(refused?.structured).toMatchObject({ code: 'audit_unavailable', next: 'Try again later.' })
    expect(world.log.join('\n')).toContain('database or disk is full')

    // From then on nothing is run in vain.
    const ended = world.tools.ended.length
    expect((await call('wait', { steps: 1 })).structured).toMatchObject({ code: 'audit_unavailable' })
    expect(world.tools.ended).toHaveLength(ended)
    // Nor is a refusal kept secret, as it would be if it were not recorded.
    expect((await call('no_such_tool', {})).structured).toMatchObject({ code: 'audit_unavailable' })
    expect((await call('store', { line: 'not approved' })).structured).toMatchObject({ code: 'audit_unavailable' })
    expect(world.tools.stored).toEqual([])

    // A write has its audit in the transaction of its receipt, in the database, and needs no room here.
    expect(await (await approvedWrite(world, 'approved'))()).toMatchObject({ isError: false })
    expect(world.tools.stored).toEqual(['approved'])

    await rm(filler)
    await until(async () => !(await call('echo', { text: 'there is room again' })).isError)
    expect((await call('wait', { steps: 1 })).structured).toEqual({ value: 'waited' })
    await until(() =>
      ['before', 'there is room again'].every((said) =>
        world.registry.audit.some(
          (event) => JSON.stringify(event.arguments ?? {}).includes(said) && event.outcome === 'ok',
        ),
      ),
    )
    const wrote = () => world.registry.audit.filter(({ tool, outcome }) => tool === 'store' && outcome === 'started')
    await until(() => wrote().length === 1)
    // Whatever was answered with a result is in the audit, and nothing else is told as if it had been.
    const answered = world.registry.audit.filter((event) => event.outcome === 'ok' && event.tool === 'wait')
    expect(answered).toHaveLength(1)
  }, 60_000)
})

describe('a database that is gone under the ledger', () => {
  it('keeps a write from running: its audit could not be recorded', async () => {
    verifies('SRV-KIT.12')
    const world = await startWorld()
    try {
      const database = new pg.Client(world.databaseUrl)
      await database.connect()
      // The audit of writes cannot grow any more.
      await database.query('alter table fixture.gatehouse_audit add constraint full_disk check (false) not valid')
      const write = await approvedWrite(world, 'lost')
      expect((await write()).structured).toMatchObject({ code: 'ledger_unavailable' })
      expect(world.tools.stored).toEqual([])
      // The receipt is not used up, so the same approval serves once there is room.
      await database.query('alter table fixture.gatehouse_audit drop constraint full_disk')
      await database.end()
      expect(await write()).toMatchObject({ isError: false })
      expect(world.tools.stored).toEqual(['lost'])
    } finally {
      await world.stop()
    }
  }, 60_000)
})
