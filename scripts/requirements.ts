// `npm run requirements`: how many tests of the last `npm test` verify each clause; last line "N verified, N not verified".
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { requirements } from '../test/requirements.ts'
import { fail, root } from './process.ts'

const text = await readFile(join(root, 'test-results', 'requirements.txt'), 'utf8').catch(() =>
  fail('run "npm test" first: test-results/requirements.txt is not there'),
)
const counts = new Map<string, number>()
for (const id of text.split('\n').filter(Boolean)) counts.set(id, (counts.get(id) ?? 0) + 1)

let verified = 0
for (const [id, clause] of Object.entries(requirements)) {
  const count = counts.get(id) ?? 0
  if (count > 0) verified++
  process.stdout.write(`${id.padEnd(10)} ${String(count).padStart(4)}  ${clause}\n`)
}
process.stdout.write(`${verified} verified, ${Object.keys(requirements).length - verified} not verified\n`)
