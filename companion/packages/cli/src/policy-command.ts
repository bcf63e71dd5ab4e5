import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { bundleOf } from './bundles.ts'
import { CliError } from './cli-error.ts'
import type { Command } from './command.ts'
import { parseOptions } from './options.ts'
import { checkedPolicies, isGood, reportLines } from './policy-check.ts'
import { SERVER_NAMES } from './services.ts'

export const policyCommand: Command = {
  name: 'policy',
  summary: 'check the policies beside a server: do they fit, and say what their cases expect',
  usage: `gatehouse policy check [--server DIR|ID]

Validates policies/*.cedar of a server against the schema, asks the server's own decision function every case of policies/cases.json, and prints those
that are not answered as expected. Status 1 on any of them, where a rule decides no case, or where there are no cases.

  --server DIR|ID   a server of this companion by its id, or the folder of another one, which holds main.js (default: all of this companion)`,
  async run([verb, ...args]) {
    if (verb !== 'check') throw new CliError('usage', 'gatehouse policy check [--server DIR|ID]')
    const options = parseOptions(args, { server: { type: 'string' } })
    const mains = options.server === undefined ? SERVER_NAMES.map(bundleOf) : [mainOf(options.server)]
    const reports = await Promise.all(mains.map(checkedPolicies))
    for (const line of reports.flatMap(reportLines)) console.log(line)
    return reports.every(isGood) ? 0 : 1
  },
}

/** @throws CliError `usage`, `bundle_missing` */
function mainOf(server: string): string {
  const id = SERVER_NAMES.find((name) => name === server)
  if (id !== undefined) return bundleOf(id)
  const main = join(resolve(server), 'main.js')
  if (!existsSync(main))
    throw new CliError(
      'usage',
      `--server: ${server} is none of ${SERVER_NAMES.join(', ')}, and no folder with a main.js`,
    )
  return main
}
