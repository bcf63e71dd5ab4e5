import { GatehouseError } from '@gatehouse/contracts'
import { createLogger } from '@gatehouse/kit/workload'
import { configFromEnvironment } from './config.ts'
import { reportFreshness } from './nightly.ts'

const log = createLogger('nightly')
try {
  const reports = await reportFreshness(configFromEnvironment(process.env), log)
  for (const report of reports) process.stdout.write(`${JSON.stringify(report)}\n`)
  process.exitCode = reports.every(({ fresh }) => fresh) ? 0 : 1
} catch (error) {
  process.exitCode = 2
  if (error instanceof GatehouseError) log.error(error.message, { code: error.code, cause: error.cause })
  else log.error('the report failed', { code: 'internal', error })
}
