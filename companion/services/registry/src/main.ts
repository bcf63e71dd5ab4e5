import { announce, createLogger, failedToStart, untilStopped } from '@gatehouse/kit'
import { readConfig } from './config.ts'
import { startRegistry } from './registry.ts'

const log = createLogger('registry')
try {
  const config = readConfig(process.env)
  const stopped = untilStopped()
  const registry = await startRegistry(config, { log })
  announce(registry.url)
  await stopped
  await registry.stop()
} catch (error) {
  failedToStart(log, error)
}
