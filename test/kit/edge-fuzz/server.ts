// The fixture server in a process of its own, which tells on request what a fuzzer from outside cannot see.
import { setImmediate } from 'node:timers/promises'
import { announce, configFromEnvironment, createLogger, startServer } from '@gatehouse/kit'
import { FixtureTools, fixtureServer } from '../../support/fixture-tools.ts'

/** What the process tells of itself. */
export interface ServerState {
  /** Bytes in use after garbage collection. */
  readonly heap: number
  /** Lines that its writes have stored. */
  readonly stored: readonly string[]
}

const tools = new FixtureTools()
const server = await startServer(fixtureServer(tools), {
  ...configFromEnvironment(process.env),
  log: createLogger('fixture'),
})

async function heapAfterCollection(): Promise<number> {
  if (!globalThis.gc) throw new Error('it needs --expose-gc')
  for (let round = 0; round < 6; round++) {
    globalThis.gc()
    // Finalisation callbacks, such as those of a web request's signal, run between collections and let go of the rest.
    await setImmediate()
  }
  return process.memoryUsage().heapUsed
}

process.on('message', () => {
  void heapAfterCollection().then((heap) => process.send?.({ heap, stored: tools.stored } satisfies ServerState))
})
process.on('SIGTERM', () => void server.stop().then(() => process.exit(0)))
announce(server.url)
