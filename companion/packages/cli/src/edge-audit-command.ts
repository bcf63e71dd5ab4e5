import { createInterface } from 'node:readline'
import { createLogger, createShipper } from '@gatehouse/kit/edge'
import { CliError } from './cli-error.ts'
import type { Command } from './command.ts'
import { createEdgeAudit } from './edge/refusal-audit.ts'
import { createEdgeRecords } from './edge/edge-records.ts'
import { parseOptions, required } from './options.ts'

const USAGE = `gatehouse edge-audit --registry URL --server ID …

Reads the edge's access log from standard input, hands each line on to standard output, and delivers what the edge refused to the registry's audit
log: envoy -c envoy/envoy.json | gatehouse edge-audit --registry URL --server presto

  --registry URL  the registry; GATEHOUSE_INTAKE_TOKEN holds the secret of its audit intake
  --server ID     a server behind the edge. Once for each server`

/** Between looks at the registry for records that have changed, milliseconds. */
const LOOK = 60_000

export const edgeAuditCommand: Command = {
  name: 'edge-audit',
  summary: "deliver the edge's refusals to the audit log",
  usage: USAGE,
  async run(args) {
    const options = parseOptions(args, { registry: { type: 'string' }, server: { type: 'string', multiple: true } })
    const registry = required('registry', options.registry).replace(/\/$/, '')
    const token = process.env['GATEHOUSE_INTAKE_TOKEN']
    if (token === undefined || token === '') throw new CliError('usage', 'GATEHOUSE_INTAKE_TOKEN is missing')
    const records = createEdgeRecords(registry, options.server ?? [])
    await records.refresh()
    const timer = setInterval(() => void records.refresh().catch(() => undefined), LOOK)
    const audit = createEdgeAudit({
      records: () => records.current(),
      ship: createShipper({ registry, token }),
      log: createLogger('edge-audit'),
    })
    for await (const line of createInterface({ input: process.stdin })) {
      console.log(line)
      audit.take(line)
    }
    clearInterval(timer)
    await audit.stop()
    return 0
  },
}
