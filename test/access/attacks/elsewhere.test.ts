import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ELSEWHERE } from './elsewhere.ts'

const test = join(import.meta.dirname, '../..')

it.each(ELSEWHERE)('$attack: is shown in $file', async ({ file, title }) => {
  expect(await readFile(join(test, file), 'utf8')).toContain(`'${title}'`)
})
