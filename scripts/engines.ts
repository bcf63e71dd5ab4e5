// `npm run test:engines [-- NAME]`: suites that need a big real system, each of which installs what it needs; not part of `npm test`.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fail, root, run, runTool, say, which } from './process.ts'
import { ensureSystemPackages } from './system-packages.ts'

/** Each engine: what it needs from the system, and what its suite runs under. */
const engines = { keyring: { packages: ['keyring'], under: ['dbus-run-session', '--'] } } as const

const [wanted] = process.argv.slice(2)
const names = wanted ? [wanted] : Object.keys(engines)
let failed = 0
for (const name of names) {
  const engine = engines[name as keyof typeof engines]
  if (!engine) fail(`no engine "${name}"; there are: ${Object.keys(engines).join(', ')}`)
  await ensureSystemPackages(...engine.packages)
  say(`engine ${name} …`)
  const file = join('test', 'engines', `${name}.test.ts`)
  if (!existsSync(join(root, file))) fail(`${file} is missing`)
  const args = ['run', '--config', 'vitest.engines.config.ts', file]
  const [wrapper, ...rest] = engine.under
  const program = await which(wrapper)
  const status = program
    ? await run(program, [...rest, join(root, 'node_modules', '.bin', 'vitest'), ...args])
    : await runTool('vitest', args)
  if (status !== 0) failed++
}
process.exit(failed === 0 ? 0 : 1)
