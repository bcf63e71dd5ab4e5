import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import type { AuditEvent } from '@gatehouse/contracts'
import { build } from 'esbuild'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Ship } from '../../../companion/packages/kit/src/audit/courier.ts'
import { createJournal, type Journal, type JournalOptions } from '../../../companion/packages/kit/src/audit/journal.ts'
import { ShipError } from '../../../companion/packages/kit/src/audit/ship-error.ts'
import { createLogger } from '../../../companion/packages/kit/src/http/log.ts'
import { verifies } from '../../requirements.ts'
import { sampleEvent } from './sample-event.ts'

const quiet = createLogger('test', () => undefined)
const down: Ship = () => Promise.reject(new Error('the registry is down'))

let folder: string
let path: string
let opened: Journal[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-journal-'))
  path = join(folder, 'audit', 'journal.db')
  opened = []
})

afterEach(async () => {
  await Promise.all(opened.map((journal) => journal.close()))
  await rm(folder, { recursive: true, force: true })
})

test('what was recorded while the registry was down is shipped after a restart, oldest first, and then forgotten', async () => {
  verifies('OBS-2.1')
  const events = Array.from({ length: 450 }, (_, index) => sampleEvent(`SELECT ${index}`))
  const first = open({ ship: down })
  for (const event of events.slice(0, 10)) await first.record(event)
  await Promise.all(events.slice(10).map((event) => first.record(event)))
  await first.close()

  const shipped = collector()
  const second = open({ ship: shipped.ship })
  await vi.waitFor(() => expect(shipped.events).toEqual(events))
  expect(Math.max(...shipped.parcels)).toBeLessThanOrEqual(200)
  await second.close()

  const again = collector()
  const third = open({ ship: again.ship })
  await third.record(sampleEvent('the next one'))
  await vi.waitFor(() => expect(again.events).toHaveLength(1))
})

test('a failed delivery is tried again with growing pauses, told once in the log, and loses nothing', async () => {
  const lines: string[] = []
  const shipped = collector()
  const attempts: number[] = []
  const journal = open({
    log: createLogger('test', (line) => lines.push(line)),
    async ship(events) {
      attempts.push(Date.now())
      if (attempts.length < 4) throw new Error('the registry is down')
      await shipped.ship(events)
    },
  })
  const event = sampleEvent()
  await journal.record(event)
  const later = sampleEvent('while it was down')
  await journal.record(later)
  await vi.waitFor(() => expect(shipped.events).toEqual([event, later]), 10_000)
  const pauses = attempts.slice(1).map((at, index) => at - attempts[index]!)
  expect(pauses[2]).toBeGreaterThan(pauses[0]!)
  expect(lines.filter((line) => line.includes('audit_not_shipped'))).toHaveLength(1)
  expect(lines.filter((line) => line.includes('audit_shipping_resumed'))).toHaveLength(1)
})

test('a thousand records of one turn share few transactions', async () => {
  const journal = open({ ship: down })
  await journal.record(sampleEvent())
  const before = await commits(path)
  await Promise.all(Array.from({ length: 1000 }, () => journal.record(sampleEvent())))
  expect((await commits(path)) - before).toBeLessThanOrEqual(2)
})

test('kill -9 loses nothing that was acknowledged', { timeout: 60_000 }, async () => {
  verifies('OBS-2.1', 'OPS-1.2')
  const script = await bundleWriter()
  const acknowledged = new Set<string>()
  for (let round = 0; round < 3; round++) {
    const child = spawn(process.execPath, [script, path], { stdio: ['ignore', 'pipe', 'inherit'] })
    const ids = await linesUntil(child, 200 + round * 77)
    for (const id of ids) acknowledged.add(id)
  }
  const shipped = collector()
  open({ ship: shipped.ship })
  await vi.waitFor(() => expect(shipped.events.length).toBeGreaterThanOrEqual(acknowledged.size), 10_000)
  const found = new Set(shipped.events.map((event) => event.id))
  expect([...acknowledged].filter((id) => !found.has(id))).toEqual([])
})

test('a full disk refuses what it cannot hold and keeps what it acknowledged', { timeout: 60_000 }, async () => {
  verifies('OBS-2.1')
  const script = await bundleWriter()
  // RLIMIT_FSIZE, in blocks of 512 bytes: from 300 kB on every write of the file fails, as on a full disk.
  const child = spawn('sh', ['-c', 'ulimit -f 600; exec "$0" "$@"', process.execPath, script, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines = await linesUntil(child, Number.POSITIVE_INFINITY)
  expect(lines.at(-1)).toBe('refused journal_unwritable')
  const acknowledged = lines.slice(0, -1)
  expect(acknowledged.length).toBeGreaterThan(50)

  const shipped = collector()
  const journal = open({ ship: shipped.ship })
  await journal.record(sampleEvent('there is room again'))
  await vi.waitFor(() => expect(shipped.events.length).toBeGreaterThan(acknowledged.length), 10_000)
  const found = new Set(shipped.events.map((event) => event.id))
  expect(acknowledged.filter((id) => !found.has(id))).toEqual([])
})

test('beyond its size limit it refuses with journal_full, and takes events again once some are acknowledged', async () => {
  verifies('OBS-2.1')
  let reachable = false
  const shipped = collector()
  const journal = open({
    maxBytes: 3000,
    ship: (events) => (reachable ? shipped.ship(events) : down(events)),
  })
  let accepted = 0
  const fill = async () => {
    for (;;) {
      await journal.record(sampleEvent('x'.repeat(400)))
      accepted++
    }
  }
  await expect(fill()).rejects.toMatchObject({ code: 'journal_full' })
  expect(accepted).toBeGreaterThan(0)
  reachable = true
  await vi.waitFor(() => expect(shipped.events).toHaveLength(accepted), 10_000)
  await journal.record(sampleEvent())
})

/** Refuses, as the registry would, every parcel that holds one of these. */
function refusing(poison: readonly AuditEvent[], status = 400): ReturnType<typeof collector> {
  const taken = collector()
  const spoils = (event: AuditEvent) => poison.some(({ id }) => id === event.id)
  return {
    ...taken,
    async ship(events) {
      if (events.some(spoils))
        throw new ShipError(
          status === 400 ? 'audit_invalid' : 'audit_refused',
          `the registry answered ${status}`,
          status,
        )
      await taken.ship(events)
    },
  }
}

test('an event that the registry will not take is set aside, told, and holds up no other', async () => {
  verifies('OBS-2.1', 'SRV-KIT.12')
  const events = Array.from({ length: 450 }, (_, index) => sampleEvent(`SELECT ${index}`))
  const poison = [0, 7, 8, 201, 449].map((index) => events[index]!)
  const lines: string[] = []
  const registry = refusing(poison)
  const journal = open({ ship: registry.ship, log: createLogger('test', (line) => lines.push(line)) })
  await Promise.all(events.map((event) => journal.record(event)))
  await vi.waitFor(() => expect(journal.setAside()).toBe(5), 10_000)
  const expected = events.filter((event) => !poison.includes(event))
  await vi.waitFor(() => expect(registry.events).toEqual(expected), 10_000)
  expect(journal.waiting()).toBe(0)
  for (const { id } of poison) expect(lines.filter((line) => line.includes(id))).toHaveLength(1)
  expect(lines.filter((line) => line.includes('audit_set_aside'))).toHaveLength(5)
  await journal.close()

  // It is kept on the disk, and a registry that knows better is offered it again.
  const better = collector()
  const again = open({ ship: better.ship })
  await vi.waitFor(() => expect(better.events).toEqual(poison), 10_000)
  expect(again.setAside()).toBe(0)
})

test('a registry that refuses everything for another reason has nothing set aside', async () => {
  const event = sampleEvent()
  const journal = open({ ship: refusing([event], 401).ship })
  await journal.record(event)
  await vi.waitFor(() => expect(journal.waiting()).toBe(1))
  await journal.close()
  const shipped = collector()
  open({ ship: shipped.ship })
  await vi.waitFor(() => expect(shipped.events).toEqual([event]), 10_000)
})

test('a line of the journal that cannot be read is set aside as well', async () => {
  const first = open({ ship: down })
  const event = sampleEvent()
  await first.record(event)
  await first.close()
  const database = new DatabaseSync(path)
  database.exec(`INSERT INTO event (seq, bytes, json) VALUES (-1, 2, '{}'), (-2, 5, 'trash')`)
  database.close()
  const shipped = collector()
  const second = open({ ship: shipped.ship })
  await vi.waitFor(() => expect(shipped.events).toEqual([event]), 10_000)
  expect(second.setAside()).toBe(2)
})

test('asked beforehand, it says that it is full while there is still room for what runs', async () => {
  const journal = open({ ship: down, maxBytes: 4000 })
  journal.check()
  let recorded = 0
  for (; recorded < 100; recorded++) {
    try {
      journal.check()
    } catch (error) {
      expect(error).toMatchObject({ code: 'journal_full' })
      break
    }
    await journal.record(sampleEvent())
  }
  expect(recorded).toBeGreaterThan(0)
  await journal.record(sampleEvent())
  await journal.close()
  expect(() => journal.check()).toThrow(expect.objectContaining({ code: 'journal_closed' }))
})

test('the size limit counts what an earlier process left', async () => {
  const first = open({ ship: down })
  await Promise.all(Array.from({ length: 10 }, () => first.record(sampleEvent('x'.repeat(400)))))
  await first.close()
  await expect(open({ ship: down, maxBytes: 3000 }).record(sampleEvent())).rejects.toMatchObject({
    code: 'journal_full',
  })
})

test('only its owner can read the journal, nor its write-ahead log', async () => {
  verifies('OBS-2.2')
  const journal = open({ ship: down })
  await journal.record(sampleEvent())
  for (const file of [path, `${path}-wal`]) expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect((await stat(join(folder, 'audit'))).mode & 0o777).toBe(0o700)
})

test('a journal that is already open is refused', async () => {
  open({ ship: down })
  expect(() => open({ ship: down })).toThrowError(expect.objectContaining({ code: 'journal_unwritable' }))
})

test('a damaged file, and a folder that cannot be one, are refused', async () => {
  const damaged = join(folder, 'damaged.db')
  await writeFile(damaged, 'this is not a database, and it is long enough to be looked at as one'.repeat(20))
  for (const bad of [damaged, join(damaged, 'journal.db')]) {
    expect(() => open({ path: bad, ship: down })).toThrowError(expect.objectContaining({ code: 'journal_unwritable' }))
  }
})

test('closing writes what waits, tries to ship it, and takes nothing more', async () => {
  const shipped = collector()
  const journal = open({ ship: shipped.ship })
  const event = sampleEvent()
  const recorded = journal.record(event)
  await Promise.all([journal.close(), journal.close(), recorded])
  expect(shipped.events).toEqual([event])
  await expect(journal.record(sampleEvent())).rejects.toMatchObject({ code: 'journal_closed' })
})

test('closing does not wait for a registry that hangs', async () => {
  const journal = open({ ship: () => new Promise(() => {}), closeGraceMs: 50 })
  await journal.record(sampleEvent())
  const started = Date.now()
  await journal.close()
  expect(Date.now() - started).toBeLessThan(1000)
})

function open(options: Partial<JournalOptions>): Journal {
  const journal = createJournal({ path, ship: down, log: quiet, closeGraceMs: 200, ...options })
  opened.push(journal)
  return journal
}

function collector(): { events: AuditEvent[]; parcels: number[]; ship: Ship } {
  const events: AuditEvent[] = []
  const parcels: number[] = []
  return {
    events,
    parcels,
    async ship(parcel) {
      parcels.push(parcel.length)
      events.push(...parcel)
    },
  }
}

/** Commits in the write-ahead log: frames that carry the size of the database (SQLite file format, 4.1). */
async function commits(database: string): Promise<number> {
  const log = await readFile(`${database}-wal`)
  const pageSize = log.readUInt32BE(8)
  let count = 0
  for (let frame = 32; frame + 24 + pageSize <= log.length; frame += 24 + pageSize) {
    const current = log.subarray(frame + 8, frame + 16).equals(log.subarray(16, 24))
    if (current && log.readUInt32BE(frame + 4) > 0) count++
  }
  return count
}

async function bundleWriter(): Promise<string> {
  const outfile = join(folder, 'writer.mjs')
  await build({
    entryPoints: [join(import.meta.dirname, 'journal-writer.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    logLevel: 'error',
  })
  return outfile
}

/** What the child prints until it ends, or until it is killed after so many lines. */
async function linesUntil(child: ChildProcess, count: number): Promise<string[]> {
  const exited = once(child, 'exit')
  const lines: string[] = []
  for await (const line of createInterface({ input: child.stdout! })) {
    lines.push(line)
    if (lines.length === count) child.kill('SIGKILL')
  }
  await exited
  return lines
}
