import { announce, failedToStart, untilStopped } from '../http/lifecycle.ts'
import { createLogger } from '../http/log.ts'
import { checkPolicies } from '../policies/check-policies.ts'
import { configFromEnvironment } from './config.ts'
import type { ServerDefinition } from './definition.ts'
import { describeServer } from './describe.ts'
import { startServer } from './server.ts'

/**
 * The whole main.ts of a server: configuration from the environment, start, one line on stdout when it listens, drain when told to end.
 * With `--describe` it prints its surface and ends, with `--check-policies` what came of the cases of its policies: no network, no database, no
 * data folder.
 */
export async function runServer(definition: ServerDefinition): Promise<void> {
  const log = createLogger(definition.id)
  const told = new AbortController()
  try {
    if (process.argv.includes('--describe')) {
      process.stdout.write(`${JSON.stringify(describeServer(definition))}\n`)
      return
    }
    if (process.argv.includes('--check-policies')) {
      process.stdout.write(`${JSON.stringify(checkPolicies(definition))}\n`)
      return
    }
    const stopped = untilStopped().then(() => told.abort())
    const server = await startServer(definition, { ...configFromEnvironment(process.env), log }, told.signal)
    announce(server.url)
    await stopped
    await server.stop()
  } catch (error) {
    // A start that was called off is no failure.
    if (!told.signal.aborted) {
      failedToStart(log, error)
      process.exit(1)
    }
  }
  log.info('stopped', { code: 'stopped' })
  process.exit(0)
}
