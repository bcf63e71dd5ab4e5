// A process of its own that records without end and prints the id of each event once `record` has resolved. The tests kill it.
import { writeSync } from 'node:fs'
import { createJournal } from '../../../companion/packages/kit/src/audit/journal.ts'
import { createLogger } from '../../../companion/packages/kit/src/http/log.ts'
import { sampleEvent } from './sample-event.ts'

const [path = '', limit = 'Infinity'] = process.argv.slice(2)
const journal = createJournal({
  path,
  ship: () => Promise.reject(new Error('down')),
  log: createLogger('writer', () => undefined),
})

async function recordUntilRefused(): Promise<string> {
  for (;;) {
    const event = sampleEvent('x'.repeat(400))
    try {
      await journal.record(event)
    } catch (error) {
      return (error as { code: string }).code
    }
    writeSync(1, `${event.id}\n`)
  }
}

const codes = await Promise.all(Array.from({ length: Math.min(8, Number(limit)) }, recordUntilRefused))
// Still alive after the refusals, and still refusing.
codes.push(await recordUntilRefused())
writeSync(1, `refused ${[...new Set(codes)].join(',')}\n`)
process.exit(0)
