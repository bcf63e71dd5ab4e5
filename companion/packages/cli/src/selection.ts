import { CliError } from './cli-error.ts'
import { SERVICE_NAMES, type ServiceName, SERVICES } from './services.ts'

/** The services to start for `--only LIST`: those named and what they need; all where nothing is named. @throws CliError `usage` */
export function selectServices(list: string | undefined): readonly ServiceName[] {
  if (list === undefined) return SERVICE_NAMES
  const wanted = new Set<ServiceName>()
  for (const name of list.split(',')) {
    const service = SERVICE_NAMES.find((known) => known === name.trim())
    if (!service)
      throw new CliError(
        'usage',
        `--only: no such service ${JSON.stringify(name)}; there are ${SERVICE_NAMES.join(', ')}`,
      )
    add(service, wanted)
  }
  return SERVICE_NAMES.filter((name) => wanted.has(name))
}

function add(service: ServiceName, wanted: Set<ServiceName>): void {
  wanted.add(service)
  for (const needed of SERVICES[service].needs) add(needed, wanted)
}
