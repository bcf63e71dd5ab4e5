import type { ServiceName } from './bundles.ts'
import { CliError } from './cli-error.ts'

/** In the order in which they start: each needs those before it. */
const ORDER: readonly ServiceName[] = ['identity', 'registry', 'presto']

/** The services to start for `--only LIST`: those named and what they need; all where nothing is named. @throws CliError `usage` */
export function selectServices(list: string | undefined): readonly ServiceName[] {
  if (list === undefined) return ORDER
  const named = list.split(',').map((name) => {
    const service = ORDER.find((known) => known === name.trim())
    if (!service)
      throw new CliError('usage', `--only: no such service ${JSON.stringify(name)}; there are ${ORDER.join(', ')}`)
    return service
  })
  return ORDER.slice(0, Math.max(...named.map((name) => ORDER.indexOf(name))) + 1)
}
