import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { verifies } from '../requirements.ts'
import { COMPANION, type Finished, gatehouse } from './command.ts'

const SLOW = 120_000

/** Copies of a built server; inside the repository, so that the packages that are not bundled are found. */
let copies: string
beforeAll(async () => {
  const cache = resolve('node_modules/.cache')
  await mkdir(cache, { recursive: true })
  copies = await mkdtemp(join(cache, 'policy-test-'))
})
afterAll(() => rm(copies, { recursive: true, force: true }))

/** `gatehouse policy check` on a copy of the Presto server, one of whose policy files is rewritten; `undefined` takes it away. */
async function checkedWith(file: string, change: (text: string) => string | undefined): Promise<Finished> {
  const server = await mkdtemp(join(copies, 'presto-'))
  await cp(join(COMPANION, 'servers/presto'), server, { recursive: true })
  const path = join(server, 'policies', file)
  const text = change(await readFile(path, 'utf8'))
  await (text === undefined ? rm(path) : writeFile(path, text))
  return gatehouse('policy', 'check', '--server', server)
}

describe('gatehouse policy check', () => {
  test(
    'finds the policies of every server of this companion in order',
    async () => {
      verifies('AUTH-8.4')
      const { status, stdout, stderr } = await gatehouse('policy', 'check')
      expect([status, stderr]).toEqual([0, ''])
      expect(stdout).toMatch(/^presto: \d{2,} cases, all as expected; \d+ rules of its own$/m)
      expect(stdout).toMatch(/^runbooks: \d{2,} cases, all as expected; \d+ rules of its own$/m)
    },
    SLOW,
  )

  test(
    'checks one server by its id',
    async () => {
      const { status, stdout } = await gatehouse('policy', 'check', '--server', 'presto')
      expect([status, stdout.trim().split('\n').length]).toEqual([0, 1])
    },
    SLOW,
  )

  test(
    'shows what is not as expected: a rule that was loosened',
    async () => {
      verifies('AUTH-8.4')
      const { status, stdout } = await checkedWith('tables.cedar', (text) =>
        text.replace('unless { principal in Group::"ads" };', 'unless { principal in Group::"finance" };'),
      )
      expect(status).toBe(1)
      expect(stdout).toMatch(/^presto: \d+ cases, \d+ not as expected/)
      expect(stdout).toMatch(/^ {2}case +expected +answered$/m)
      expect(stdout).toMatch(
        /^ {2}the ads team may read its revenue +allowed by ads-read +denied by ads-team-only: needs the group ads; ask #presto-help$/m,
      )
    },
    SLOW,
  )

  test(
    'fails where a rule decides no case',
    async () => {
      verifies('AUTH-8.4')
      const { status, stdout } = await checkedWith(
        'tables.cedar',
        (text) =>
          `${text}\n@id("untested") forbid (principal, action, resource is Tool) when { resource.name == "x" };`,
      )
      expect(status).toBe(1)
      expect(stdout).toContain('all as expected')
      expect(stdout).toContain('no case is decided by the rule untested')
    },
    SLOW,
  )

  test.each<[string, string, (text: string) => string | undefined, RegExp]>([
    [
      'there are no cases',
      'cases.json',
      () => undefined,
      /^presto: policies\/cases\.json cannot be read \(cases_missing\)$/m,
    ],
    ['the cases are empty', 'cases.json', () => '[]', /\(cases_missing\)$/m],
    [
      'a case is misspelt',
      'cases.json',
      (text) => text.replace('"expect"', '"expects"'),
      /cases\.json: 0\.expect: .*\(cases_invalid\)$/m,
    ],
    [
      'a policy does not fit the schema',
      'tables.cedar',
      (text) => text.replace('resource.kind ==', 'resource.sort =='),
      /^presto: policies\/tables\.cedar:\d+: .*\(policy_invalid\)$/m,
    ],
  ])(
    'fails where %s',
    async (_, file, change, said) => {
      const { status, stdout } = await checkedWith(file, change)
      expect(status).toBe(1)
      expect(stdout).toMatch(said)
    },
    SLOW,
  )

  test('says how it is used', async () => {
    for (const args of [[], ['lint'], ['check', '--server', 'nowhere']]) {
      const { status, stderr } = await gatehouse('policy', ...args)
      expect([status, stderr]).toEqual([1, expect.stringMatching(/\(usage\)\n$/)])
    }
  })
})
