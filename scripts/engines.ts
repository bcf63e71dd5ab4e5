// `npm run test:engines [-- NAME]`: suites that need a big real system, each of which installs what it needs; not part of `npm test`.
import { readdirSync } from 'node:fs'
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
  const status = await runTool('vitest', ['run', '--config', 'vitest.engines.config.ts', ...suitesOf(name)])
  if (status !== 0) failed++
}

/** `NAME.test.ts`, and `NAME-….test.ts` where one engine has several. */
function suitesOf(name: string): readonly string[] {
  const folder = join('test', 'engines')
  const files = readdirSync(join(root, folder)).filter((file) => new RegExp(`^${name}(-.+)?\\.test\\.ts$`).test(file))
  if (files.length === 0) fail(`test/engines/${name}.test.ts is missing`)
  return files.map((file) => join(folder, file))
}

process.exit(failed === 0 ? 0 : 1)
