import { GatehouseError } from '@gatehouse/contracts'
import { readConfig } from './config.ts'
import { type Identity, startIdentity } from './identity.ts'
import { logTo } from './logger.ts'

const log = logTo(process.stderr)

async function main(): Promise<void> {
  const identity = await startIdentity(readConfig(process.env), log)
  process.stdout.write(`${JSON.stringify({ kind: 'listening', url: identity.url })}\n`)
  stopWith(identity)
}

/** Ends on SIGTERM, SIGINT, and when the process that forked this one is gone. */
function stopWith(identity: Identity): void {
  let stopping = false
  const stop = (): void => {
    if (stopping) return
    stopping = true
    void identity.stop().then(
      () => process.exit(0),
      (error: unknown) => fail(error),
    )
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  process.on('disconnect', stop)
}

function fail(error: unknown): never {
  const known = error instanceof GatehouseError
  log('error', known ? error.code : 'internal_error', error instanceof Error ? error.message : String(error))
  process.exit(1)
}

main().catch(fail)
