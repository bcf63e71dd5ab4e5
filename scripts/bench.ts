// `npm run bench -- NAME`: runs bench/NAME.ts, whose last line is the JSON of its figures.
import { join } from 'node:path'
import { ensureCodeServer } from './code-server.ts'
import { fail, root, run } from './process.ts'
import { ensureSystemPackages } from './system-packages.ts'

/** Whether a bench needs the editor, which is fetched and built. */
const NEEDS_EDITOR: Readonly<Record<string, boolean>> = { activation: true, kit: false, fanout: false, edge: false }

const [name] = process.argv.slice(2)
if (!name || !Object.hasOwn(NEEDS_EDITOR, name))
  fail(`usage: npm run bench -- ${Object.keys(NEEDS_EDITOR).join(' | ')}`)
if (NEEDS_EDITOR[name]) {
  await ensureSystemPackages('browser')
  await ensureCodeServer()
}
process.exit(await run(process.execPath, [join(root, 'bench', `${name}.ts`)]))
