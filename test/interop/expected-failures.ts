import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** By scenario: why it is known to fail. @throws where the file holds anything but sections and entries with a reason */
export function expectedFailures(side: 'server' | 'client'): ReadonlyMap<string, string> {
  const lines = readFileSync(join(import.meta.dirname, 'expected-failures.yml'), 'utf8').split('\n')
  const found = new Map<string, string>()
  let section = ''
  for (const line of lines.filter((text) => text.trim() !== '' && !text.startsWith('#'))) {
    const heading = /^(server|client):$/.exec(line)?.[1]
    const [, scenario, reason] = /^ {2}- (\S+) # (.{10,})$/.exec(line) ?? []
    if (heading) section = heading
    else if (scenario === undefined || reason === undefined || section === '')
      throw new Error(`neither a section nor an entry with its reason: ${line}`)
    else if (section === side) found.set(scenario, reason)
  }
  return found
}
