// `npm run bench -- NAME`: runs bench/NAME.ts, whose last line is the JSON of its figures.
import { join } from 'node:path'
import { ensureCodeServer } from './code-server.ts'
import { fail, root, run } from './process.ts'
import { ensureSystemPackages } from './system-packages.ts'

const NAMES = ['activation']

const [name] = process.argv.slice(2)
if (!name || !NAMES.includes(name)) fail(`usage: npm run bench -- ${NAMES.join(' | ')}`)
await ensureSystemPackages('browser')
await ensureCodeServer()
process.exit(await run(process.execPath, [join(root, 'bench', `${name}.ts`)]))
