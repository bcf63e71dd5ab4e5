import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type AccessPolicy, policyDigest, PolicyReport } from '@gatehouse/contracts'
import {
  authorizeTool,
  checkPolicies,
  definePrompt,
  defineTool,
  describeServer,
  type PolicyCase,
  policiesOf,
  policyFolder,
  readPolicyCases,
  type ServerDefinition,
  startServer,
  tool,
} from '@gatehouse/kit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { verifies } from '../requirements.ts'

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'gatehouse-policies-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

type Files = Readonly<Record<string, string>>
let folders = 0

const READ = `@id("docs-read")
permit (principal is User, action == Action::"read", resource is Resource)
when { resource.kind == "doc" };
`
const SECRET = `@id("docs-secret")
@reason("only the legal team may read it")
forbid (principal, action == Action::"read", resource is Resource)
when { resource.kind == "doc" && resource.name like "legal/*" }
unless { principal in Group::"legal" };
`
const GOVERNANCE = JSON.stringify({
  id: 'docs',
  name: 'dev.example/docs',
  title: 'Docs',
  description: 'Documents',
  version: '0.1.0',
  owner: { team: 'docs', contact: 'docs@example.com' },
  support: { channel: '#docs-help' },
  environment: 'dev',
  surfaces: ['ide', 'team-chat'],
  channels: ['#docs-help'],
  groups: ['legal', 'sales'],
  discoverable: true,
  reviews: [],
  clients: [
    { clientId: 'editor', surface: 'ide', bearer: false },
    { clientId: 'chat', surface: 'team-chat', bearer: false, channel: 'proof' },
  ],
  workloads: [{ spiffeId: 'spiffe://docs.example/indexer', tools: ['find'] }],
})

/** The folder of a server, with its governance file and `files` in its `policies`. */
async function serverWith(files: Files): Promise<string> {
  folders += 1
  const server = join(root, String(folders))
  await mkdir(join(server, 'policies'), { recursive: true })
  await writeFile(join(server, 'server.json'), GOVERNANCE)
  for (const [name, text] of Object.entries(files)) await writeFile(join(server, 'policies', name), text)
  return server
}

class DocsTools {
  @tool({
    name: 'find',
    title: 'Find',
    description: 'Finds documents',
    input: z.strictObject({ folder: z.string() }),
    output: z.strictObject({ value: z.string() }),
    effect: 'read',
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    minutesSaved: 1,
  })
  @authorizeTool({ workloads: 'recorded', arguments: { folder: { like: ['public/*'], unlessGroups: ['legal'] } } })
  async find() {
    return { structured: { value: '' }, text: '' }
  }
}

function docsServer(server: string): ServerDefinition {
  return {
    id: 'docs',
    title: 'Docs',
    version: '0.1.0',
    toolsClass: DocsTools,
    policies: policyFolder(server),
    async start() {
      return { tools: new DocsTools(), dispose: async () => undefined }
    },
  }
}

async function report(files: Files): Promise<PolicyReport> {
  return PolicyReport.parse(checkPolicies(docsServer(await serverWith(files))))
}

const text = (cases: readonly unknown[]) => JSON.stringify(cases)
const sales = { groups: ['sales'] }
const doc = (name: string) => ({ resource: { kind: 'doc', name } })

/** All of them good, and each rule decides one. */
const CASES = [
  { name: 'sales reads', caller: sales, ...doc('prices'), expect: { allowed: true, rule: 'docs-read' } },
  {
    name: 'sales does not read what is for legal',
    caller: sales,
    ...doc('legal/x'),
    expect: { allowed: false, rule: 'docs-secret', reason: 'only the legal team may read it; ask #docs-help' },
  },
  { name: 'legal does', caller: { groups: ['legal'] }, ...doc('legal/x'), expect: { allowed: true } },
  { name: 'the server', caller: sales, expect: { allowed: true, rule: 'user-server' } },
  { name: 'a tool', caller: sales, tool: 'find', arguments: { folder: 'public/a' }, expect: { allowed: true } },
  {
    name: 'an argument that is not for sales',
    caller: sales,
    tool: 'find',
    arguments: { folder: 'legal' },
    expect: { allowed: false, rule: 'tool-arguments' },
  },
  {
    name: 'but for legal',
    caller: { groups: ['legal'] },
    tool: 'find',
    arguments: { folder: 'legal' },
    expect: { allowed: true, rule: 'user-tool' },
  },
  {
    name: 'a channel that the server works in',
    caller: { ...sales, client: 'chat', channel: '#docs-help' },
    tool: 'find',
    expect: { allowed: true },
  },
  {
    name: 'another one',
    caller: { ...sales, surface: 'team-chat', channel: '#random' },
    tool: 'find',
    action: 'list',
    expect: { allowed: false, rule: 'server-channel' },
  },
  {
    name: 'the recorded service',
    caller: { workload: 'spiffe://docs.example/indexer' },
    tool: 'find',
    arguments: { folder: 'public/a' },
    expect: { allowed: true },
  },
  {
    name: 'another service',
    caller: { workload: 'spiffe://docs.example/other' },
    tool: 'find',
    expect: { allowed: false, rule: 'server-workload' },
  },
]
const GOOD: Files = { 'a.cedar': READ, 'b.cedar': SECRET, 'cases.json': text(CASES) }

describe('the policies of a server', () => {
  test('are found beside its server.json, from a module of its source and from a bundle', async () => {
    verifies('AUTH-8.4')
    const server = await serverWith(GOOD)
    for (const module of ['main.js', 'src/main.ts', 'src/access/deep/x.ts']) {
      const found = policiesOf(pathToFileURL(join(server, module)).href)
      expect([module, found.server, found.read().cedar]).toEqual([module, server, `${READ}\n${SECRET}`])
    }
  })

  test('are one text in the order of the file names, the same whatever ends a line', async () => {
    const [unix, dos] = await Promise.all([
      serverWith(GOOD),
      serverWith({ ...GOOD, 'a.cedar': READ.replaceAll('\n', '\r\n') }),
    ])
    const digest = (server: string) => policyDigest(describeServer(docsServer(server)).policy)
    expect(digest(dos)).toBe(digest(unix))
    expect(describeServer(docsServer(unix)).policy).toMatchObject({
      tools: { find: { workloads: 'recorded' } },
      cedar: `${READ}\n${SECRET}`,
    })
  })

  test('may rest on a schema of the team, whose things have attributes', async () => {
    const schema = 'entity Draft { name: String, author: String };\n'
    const rule = `@id("drafts") permit (principal is User, action == Action::"read", resource is Draft) when { resource.author == "ada" };`
    const one = (author: string, allowed: boolean) => ({
      name: author,
      caller: sales,
      resource: { kind: 'Draft', name: 'x', attributes: { author } },
      expect: { allowed },
    })
    expect(
      await report({
        'a.cedar': rule,
        'schema.cedarschema': schema,
        'cases.json': text([one('ada', true), one('finn', false)]),
      }),
    ).toMatchObject({ kind: 'policies', cases: 2, failures: [], undecided: [] })
  })

  test.each<[string, Files, RegExp]>([
    ['no file', {}, /^policies\/ holds no \.cedar file$/],
    [
      'no syntax',
      { 'a.cedar': `${READ}\n@id("x")\npermit (principal action)` },
      /^policies\/a\.cedar:6: unexpected token/,
    ],
    ['no syntax in the second file', { 'a.cedar': READ, 'b.cedar': '\n\n;' }, /^policies\/b\.cedar:3: /],
    [
      'an attribute that is not in the schema',
      { 'a.cedar': `// é\n\n${READ.replace('"doc"', '"é"').replace('};', '&& resource.owner == "x" };')}` },
      /^policies\/a\.cedar:5: .*attribute `owner`/,
    ],
    [
      'a kind of caller that there is not',
      { 'a.cedar': READ, 'b.cedar': READ.replace('docs-read', 'b').replace('is User', 'is Robot') },
      /^policies\/b\.cedar:2: .*Robot/,
    ],
    [
      'a policy without an id',
      { 'a.cedar': `${READ}\npermit (principal, action, resource);` },
      /^policies\/a\.cedar:5: a policy needs an @id, by which it is named$/,
    ],
    [
      'one id in two files',
      { 'a.cedar': READ, 'b.cedar': `\n${READ}` },
      /^policies\/b\.cedar:2: the id docs-read is taken by policies\/a\.cedar:1$/,
    ],
    [
      'an id of the kit',
      { 'a.cedar': READ.replace('docs-read', 'server-groups') },
      /^policies\/a\.cedar:1: the id server-groups is the kit's$/,
    ],
    ['a template', { 'a.cedar': '@id("t") permit (principal == ?principal, action, resource);' }, /templates/],
    [
      'a schema without syntax',
      { 'a.cedar': READ, 'schema.cedarschema': 'entity X;\nentity Y {;' },
      /^policies\/schema\.cedarschema:2: /,
    ],
    [
      'a schema that declares what the kit has',
      { 'a.cedar': READ, 'schema.cedarschema': '\n\nentity User;' },
      /^policies\/schema\.cedarschema:3: .*`User` is declared twice/,
    ],
    [
      'a schema with a further action',
      { 'a.cedar': READ, 'schema.cedarschema': 'action "own";' },
      /^policies\/schema\.cedarschema:1: .*may not add an action/,
    ],
  ])('keep the server from starting where they are wrong, and say where: %s', async (_, files, message) => {
    verifies('AUTH-8.4')
    const definition = docsServer(await serverWith(files))
    const refused = { code: 'policy_invalid', message: expect.stringMatching(message) as unknown }
    expect(() => describeServer(definition)).toThrow(expect.objectContaining(refused))
    expect(checkPolicies(definition)).toEqual({ kind: 'policies-invalid', server: 'docs', ...refused })
    await expect(startServer(definition, nowhere())).rejects.toMatchObject(refused)
  })

  test('keep it from starting where they are not there, or written twice', async () => {
    const server = await serverWith(GOOD)
    const refused = { code: 'policy_invalid' }
    await expect(startServer(docsServer(dirname(server)), nowhere())).rejects.toMatchObject(refused)
    await expect(startServer({ ...docsServer(server), cedar: READ }, nowhere())).rejects.toMatchObject(refused)
  })
})

describe('a condition on an argument', () => {
  const shape = z.strictObject({ folder: z.string().default('public/a'), size: z.number().optional() })
  const withPolicy = (policy: AccessPolicy): ServerDefinition => ({
    id: 'docs',
    title: 'Docs',
    version: '0.1.0',
    toolsClass: [
      defineTool({
        name: 'find',
        title: 'Find',
        description: 'Finds documents',
        input: shape,
        output: z.strictObject({ value: z.string() }),
        effect: 'read',
        annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
        minutesSaved: 1,
        policy,
        run: () => Promise.resolve({ structured: { value: '' }, text: '' }),
      }),
    ],
    start: () => Promise.reject(new Error('it does not get so far')),
  })

  test('is about an argument that there is, and that its own default meets', () => {
    expect(() =>
      describeServer(withPolicy({ arguments: { folder: { like: ['public/*'] }, size: { like: ['1'] } } })),
    ).not.toThrow()
  })

  test.each<[string, AccessPolicy, RegExp]>([
    [
      'a name misspelt',
      { arguments: { foldr: { like: ['public/*'] } } },
      /argument foldr of the tool find: it has none/,
    ],
    ['a name of every object', { arguments: { constructor: { like: [] } } }, /argument constructor .*it has none/],
    [
      'a default that it refuses',
      { arguments: { folder: { like: ['private/*'] } } },
      /folder .*its default does not meet it/,
    ],
  ])('keeps the server from starting with %s', async (_, policy, message) => {
    verifies('AUTH-8.2')
    const refused = { code: 'policy_invalid', message: expect.stringMatching(message) as unknown }
    expect(() => describeServer(withPolicy(policy))).toThrow(expect.objectContaining(refused))
    await expect(startServer(withPolicy(policy), nowhere())).rejects.toMatchObject(refused)
  })

  test('is none of a prompt, where it would hold nothing', () => {
    const prompt = definePrompt({
      name: 'review',
      title: 'Review',
      description: 'A prompt',
      input: z.strictObject({ folder: z.string() }),
      policy: { arguments: { folder: { like: ['public/*'] } } },
      run: () => Promise.resolve({ messages: [{ role: 'user', content: { type: 'text', text: '' } }] }),
    })
    expect(() => describeServer({ ...withPolicy({}), toolsClass: [prompt] })).toThrow(
      /the prompt review: only the policy/,
    )
  })
})

/** A server with wrong policies gets as far as no port and no network. */
function nowhere() {
  return {
    host: '127.0.0.1',
    port: 0,
    data: join(root, 'data'),
    issuer: 'http://127.0.0.1:9',
    registry: 'http://127.0.0.1:9',
    intakeToken: 'secret',
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
  }
}

describe('the cases of a server', () => {
  test('are answered by its own decision function, callers, channels, arguments and workloads included', async () => {
    verifies('AUTH-8.4')
    expect(await report(GOOD)).toEqual({
      kind: 'policies',
      server: 'docs',
      cases: CASES.length,
      failures: [],
      rules: ['docs-read', 'docs-secret'],
      undecided: [],
    })
  })

  test.each<[PolicyCase['expect'], string]>([
    [{ allowed: true }, 'the answer'],
    [{ allowed: false, rule: 'docs-read' }, 'the rule'],
    [{ allowed: false, reason: 'no' }, 'the reason'],
  ])('fail where %o is expected, and show what was answered', async (expected) => {
    const wrong = { name: 'wrong', caller: sales, ...doc('legal/x'), expect: expected }
    expect(await report({ ...GOOD, 'cases.json': text([...CASES, wrong]) })).toMatchObject({
      failures: [
        {
          name: 'wrong',
          expected,
          answered: {
            allowed: false,
            rule: 'docs-secret',
            reason: 'only the legal team may read it; ask #docs-help',
          },
        },
      ],
    })
  })

  test('leave no rule undecided unseen', async () => {
    verifies('AUTH-8.4')
    const [first, ...rest] = CASES
    expect(await report({ ...GOOD, 'cases.json': text(rest.slice(2)) })).toMatchObject({
      failures: [],
      undecided: ['docs-read', 'docs-secret'],
    })
    expect(await report({ ...GOOD, 'cases.json': text([first]) })).toMatchObject({ undecided: ['docs-secret'] })
  })

  const good = CASES[0]
  test.each<[string, string | undefined, string, RegExp]>([
    ['no file', undefined, 'cases_missing', /^policies\/cases\.json cannot be read$/],
    ['no case', '[]', 'cases_missing', /holds no case$/],
    ['no JSON', '[', 'cases_invalid', /^policies\/cases\.json: /],
    ['a key twice', '[{"name":"a","name":"b"}]', 'cases_invalid', /names a key twice$/],
    ['an unknown key', text([{ ...good, grups: [] }]), 'cases_invalid', /: 0: .*grups/],
    ['an unknown key of a caller', text([{ ...good, caller: { groups: [], rols: [] } }]), 'cases_invalid', /0\.caller/],
    [
      'a service with groups',
      text([{ ...good, caller: { workload: 'spiffe://a/b', groups: [] } }]),
      'cases_invalid',
      /0/,
    ],
    ['two things', text([{ ...good, tool: 'find' }]), 'cases_invalid', /names one of tool, prompt and resource/],
    ['a kind of the kit', text([{ ...good, resource: { kind: 'tool', name: 'x' } }]), 'cases_invalid', /0\.resource/],
    ['nothing expected', text([{ name: 'a', caller: sales }]), 'cases_invalid', /0\.expect/],
    ['one name twice', text([good, good]), 'cases_invalid', /two cases are called "sales reads"/],
  ])('are refused with %s', async (_, cases, code, message) => {
    const { 'cases.json': _cases, ...policies } = GOOD
    const server = await serverWith({ ...policies, ...(cases !== undefined && { 'cases.json': cases }) })
    const refused = { code, message: expect.stringMatching(message) as unknown }
    expect(() => readPolicyCases(server)).toThrow(expect.objectContaining(refused))
    expect(checkPolicies(docsServer(server))).toMatchObject({ kind: 'policies-invalid', ...refused })
  })

  test('need a governance file to be asked under', async () => {
    const server = await serverWith(GOOD)
    await writeFile(join(server, 'server.json'), '{"id":"docs"}')
    expect(checkPolicies(docsServer(server))).toMatchObject({ kind: 'policies-invalid', code: 'governance_invalid' })
  })
})
