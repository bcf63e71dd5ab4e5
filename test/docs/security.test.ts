import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const text = await readFile(join(root, 'docs/security.md'), 'utf8')
/** `path/of.test.ts` “title”; the title may be left out where the whole file shows it. */
const claims = [...text.matchAll(/`(test\/[\w./-]+\.ts)`(?: “([^”]+)”)?/g)].map(([, file = '', title]) => ({
  file,
  title,
}))
const rows = text.split('\n').filter((line) => line.startsWith('| ') && !/^\| (-|asset|threat|risk)/.test(line))

describe('the threat model', () => {
  test.each(claims)('names a test that there is: $file $title', async ({ file, title }) => {
    const source = await readFile(join(root, file), 'utf8')
    if (title !== undefined) expect(source).toContain(title)
  })

  test('names a test in each row that says what stops a threat', () => {
    const unproven = rows.filter((row) => row.split(' | ').length > 2 && !/`test\//.test(row))
    expect(unproven).toEqual([])
  })
})
