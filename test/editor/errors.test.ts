import { GatehouseError } from '@gatehouse/contracts'
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { codeOf, explain } from '../../src/editor/errors.ts'
import { SESSION_TROUBLES } from '../../src/session/errors.ts'
import { verifies } from '../requirements.ts'

const src = join(import.meta.dirname, '../../src')

/** Every code that an `errors.ts` of the parts below names in a union of codes or as a key of its table. */
async function codes(): Promise<string[]> {
  const found = new Set<string>()
  for (const part of ['catalog', 'connections', 'plans']) {
    if (!(await readdir(join(src, part))).includes('errors.ts')) continue
    const text = await readFile(join(src, part, 'errors.ts'), 'utf8')
    for (const [, union, key] of text.matchAll(/\| '([a-z_]+)'|^ {2}([a-z]+_[a-z_]+):/gm)) found.add(union ?? key ?? '')
  }
  return [...found]
}

describe('the table of errors', () => {
  test('explains every code of the catalog, the plans and the connections', async () => {
    verifies('EDIT-8.1')
    const unexplained = (await codes()).filter((code) => explain(code).code === 'unexpected')
    expect(unexplained).toEqual([])
  })

  test('explains every code of the session with its advice, and a button where there is something to do', () => {
    verifies('EDIT-8.1', 'AUTH-1.4')
    for (const [code, trouble] of Object.entries(SESSION_TROUBLES)) {
      const explained = explain(code)
      expect(explained.explanation).toContain(trouble.advice)
      expect(explained.action === undefined).toBe(trouble.action === 'none')
    }
  })

  test('an error without a known code is unexpected, and its text is not shown', () => {
    expect(explain(codeOf(new Error('token=abc'))).code).toBe('unexpected')
    expect(explain(codeOf('text')).code).toBe('unexpected')
    expect(explain('constructor').code).toBe('unexpected')
    expect(JSON.stringify(explain(codeOf(new Error('token=abc'))))).not.toContain('abc')
  })

  test('goes by the code, not by the class', () => {
    const copy = Object.assign(new Error('x'), { code: 'server_timeout' })
    expect(codeOf(copy)).toBe('server_timeout')
    expect(codeOf(new GatehouseError('plan_not_saved', 'x'))).toBe('plan_not_saved')
  })

  test('only commands of the manifest are offered', async () => {
    const manifest = JSON.parse(await readFile(join(src, '../package.json'), 'utf8')) as {
      contributes: { commands: { command: string }[] }
    }
    const known = new Set(['gatehouse.servers.focus', ...manifest.contributes.commands.map((entry) => entry.command)])
    const offered = [...(await codes()), ...Object.keys(SESSION_TROUBLES), 'unexpected'].map(
      (code) => explain(code).action?.command,
    )
    for (const command of offered) if (command !== undefined) expect(known).toContain(command)
  })
})
