// `npm run bench -- NAME`: runs bench/NAME.ts, whose last line is the JSON of its figures.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fail, root, run } from './process.ts'

const names = (await readdir(join(root, 'bench')))
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.replace(/\.ts$/, ''))
const [name] = process.argv.slice(2)
if (!name || !names.includes(name)) fail(`usage: npm run bench -- ${names.join(' | ')}`)
process.exit(await run(process.execPath, [join(root, 'bench', `${name}.ts`)]))
