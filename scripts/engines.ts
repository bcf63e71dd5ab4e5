// `npm run test:engines [-- NAME]`: suites that need a big real system, each of which installs what it needs; not part of `npm test`.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fail, root, runTool, say } from './process.ts'
import { ensureSystemPackages } from './system-packages.ts'

/** Each engine, and what it needs from the system. */
const engines = { keyring: ['keyring'], envoy: [], keycloak: [], spire: [] } as const

const [wanted] = process.argv.slice(2)
const names = wanted ? [wanted] : Object.keys(engines)
let failed = 0
for (const name of names) {
  const engine = engines[name as keyof typeof engines]
  if (!engine) fail(`no engine "${name}"; there are: ${Object.keys(engines).join(', ')}`)
  await ensureSystemPackages(...engine)
  say(`engine ${name} …`)
  const file = join('test', 'engines', `${name}.test.ts`)
  if (!existsSync(join(root, file))) fail(`${file} is missing`)
  const status = await runTool('vitest', ['run', '--config', 'vitest.engines.config.ts', file])
  if (status !== 0) failed++
}
process.exit(failed === 0 ? 0 : 1)
