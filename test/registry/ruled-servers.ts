import { type AccessPolicy, reviewedRecord, ServerGovernance, type ServerRecord } from '@gatehouse/contracts'
import {
  definePrompt,
  defineResource,
  defineTool,
  describeServer,
  type Offer,
  type ServerDefinition,
} from '@gatehouse/kit'
import { z } from 'zod'

const READS = { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false }
const value = z.strictObject({ value: z.string() })
const input = z.strictObject({
  table: z.union([z.string(), z.array(z.string())]).optional(),
  limit: z.union([z.number(), z.boolean()]).optional(),
  note: z.string().optional(),
})

function offer(name: string, policy: AccessPolicy, effect: 'read' | 'write' = 'read'): Offer {
  return defineTool({
    name,
    title: name,
    description: `The tool ${name}`,
    input,
    output: value,
    effect,
    annotations: { ...READS, readOnlyHint: effect === 'read' },
    minutesSaved: 1,
    policy,
    run: () => Promise.resolve({ structured: { value: 'done' }, text: 'done' }),
  })
}

/** Tells what `ctx.decide` says, as a tool of a team would act on it. */
const ask = defineTool({
  name: 'ask',
  title: 'Ask',
  description: 'What the server decides of a thing of its own',
  input: z.strictObject({
    kind: z.string(),
    name: z.string(),
    attributes: z.record(z.string(), z.string()).optional(),
  }),
  output: z.strictObject({ allowed: z.boolean(), reason: z.string(), rule: z.string() }),
  effect: 'read',
  annotations: READS,
  minutesSaved: 0,
  policy: {},
  run({ kind, name, attributes }, ctx) {
    const decision = ctx.decide({ kind, name, ...(attributes && { attributes }) })
    return Promise.resolve({ structured: decision, text: decision.reason })
  },
})

const SCHEMA = 'entity Draft { name: String, author: String };'

const CEDAR = `
@id("docs") permit (principal, action == Action::"read", resource is Resource) when { resource.kind == "doc" };
@id("legal-docs") @reason("only finance may read it")
forbid (principal, action == Action::"read", resource is Resource)
when { resource.kind == "doc" && resource.name like "legal/*" } unless { principal in Group::"finance" };
@id("drafts") permit (principal is User, action == Action::"read", resource is Draft) when { resource.author == "everyone" };
@id("no-secret-notes") @reason("a note may not be secret")
forbid (principal, action == Action::"call", resource is Tool)
when { context has arguments && context.arguments.hasTag("note") && context.arguments.getTag("note") like "secret*" };
@id("not-from-the-command-line") @reason("not from a command line")
forbid (principal is User, action == Action::"call", resource is Tool)
when { resource.name == "by_hand" && principal.surface == "cli" };
`

/** Every kind of condition that a policy may have, one offer each. */
export const RULED_OFFERS: readonly Offer[] = [
  offer('open', {}),
  offer('ads', { groups: ['ads'] }),
  offer('editors', { roles: ['editor', 'owner'] }),
  offer('scoped', { scopes: ['mcp', 'tables:read'] }),
  offer('ide_only', { surfaces: ['ide'] }),
  offer('in_room', { channels: ['#room'] }),
  offer('argued', {
    arguments: { table: { like: ['tpch.*', 'sandbox'], unlessGroups: ['ads'] }, limit: { like: ['1', 'true'] } },
  }),
  offer('no_table', { arguments: { table: { like: [] } } }),
  offer('everything', {
    groups: ['ads'],
    roles: ['editor'],
    scopes: ['tables:read'],
    surfaces: ['ide'],
    arguments: { limit: { like: ['1'] } },
  }),
  offer('nobody', { groups: [] }),
  offer('by_hand', {}),
  offer('change', { groups: ['finance'] }, 'write'),
  ask,
  definePrompt({
    name: 'review',
    title: 'Review',
    description: 'A prompt',
    input: z.strictObject({}),
    policy: { groups: ['finance'] },
    run: () => Promise.resolve({ messages: [{ role: 'user', content: { type: 'text', text: 'review' } }] }),
  }),
  defineResource({
    name: 'glossary',
    uri: 'docs://glossary',
    title: 'Glossary',
    description: 'A resource',
    mimeType: 'text/plain',
    policy: { roles: ['editor'] },
    read: () => Promise.resolve({ text: 'words' }),
  }),
]

export function ruledServer(id: string): ServerDefinition {
  return {
    id,
    title: id,
    version: '1.0.0',
    toolsClass: RULED_OFFERS,
    cedar: CEDAR,
    cedarSchema: SCHEMA,
    start: () => Promise.resolve({ tools: RULED_OFFERS, dispose: () => Promise.resolve() }),
  }
}

/** Its reviewed record, policy included. @param url its MCP endpoint */
export function ruledRecord(id: string, url: string, changes: Partial<ServerRecord> = {}): ServerRecord {
  const governance = ServerGovernance.parse({
    id,
    name: `dev.gatehouse/${id}`,
    title: id,
    description: 'For tests',
    version: '1.0.0',
    owner: { team: id, contact: `${id}@example.com` },
    support: { channel: `#${id}-help` },
    environment: 'production',
    surfaces: ['ide', 'cli', 'team-chat'],
    channels: ['#room', '#hall'],
    groups: ['ads', 'finance'],
    discoverable: true,
    reviews: [],
    clients: [
      { clientId: 'editor', surface: 'ide', bearer: false },
      { clientId: 'shell', surface: 'cli', bearer: true },
      { clientId: 'chat', surface: 'team-chat', bearer: false, approves: false, channel: 'proof' },
    ],
    workloads: [{ spiffeId: 'spiffe://gatehouse.example/nightly', tools: ['open'] }],
  })
  return { ...reviewedRecord(governance, describeServer(ruledServer(id)), url), ...changes }
}
