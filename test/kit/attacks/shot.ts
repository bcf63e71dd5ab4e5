import { randomBytes, randomUUID } from 'node:crypto'
import { digestOf, RECEIPT_TYP } from '@gatehouse/contracts'
import type { Attack, Control, Era, Thing } from './attack.ts'
import { forge, jwkOf } from './forge.ts'
import type { Answer, Range, Site } from './range.ts'

/** The terms of one approval: what both the genuine call and the attack on it refer to. */
export interface Approval {
  readonly tool: string
  /** JSON text. */
  readonly arguments: string
  readonly claims: Readonly<Record<string, unknown>>
}

/** A person's approval of the genuine call, given now. @param life seconds */
export function approve(attack: Control, site: Site, serial: number, life = 300): Approval {
  const tool = attack.tool ?? 'keep'
  const text = attack.approved ?? (tool === 'keep' ? '{"line":"one"}' : statement(serial))
  const now = Math.floor(Date.now() / 1000)
  return {
    tool,
    arguments: text,
    claims: {
      sub: 'ada',
      aud: site.audience,
      iat: now,
      exp: now + life,
      jti: randomUUID(),
      tool,
      args: digestOf(JSON.parse(text)),
      tool_digest: site.digestOf(tool),
      step: randomUUID(),
      plan: digestOf(`plan ${serial}`),
    },
  }
}

function statement(serial: number): string {
  const values = `'2026Q4', 'ads', 'tools', 1, 'approved ${serial}'`
  return JSON.stringify({
    sql: `INSERT INTO sandbox.budget_plan (quarter, team, category, planned_amount, note) VALUES (${values})`,
  })
}

/** Sends the call as `attack` would have it, and nothing else: with no attack at all, it is the genuine one. */
export async function fire(
  range: Range,
  site: Site,
  approval: Approval,
  attack: Omit<Control, 'id'>,
  era: Era,
  states: Readonly<Record<string, string>> = {},
): Promise<Answer & { readonly secrets: readonly string[] }> {
  const sender = attack.sender ?? 'ada'
  const credentials = await range.credentials(sender, site)
  const sent = attack.sent ?? approval.arguments
  const filled = templates(range, site, approval, attack, sent, credentials, states)
  const called = attack.called ?? approval.tool
  const meta = [...eraMeta(era), filled(attack.meta ?? '"dev.gatehouse/approval":"{receipt}"')].filter(Boolean).join()
  const params = (attack.params ?? '"name":"{called}","arguments":{args},"_meta":{meta}')
    .replace('{called}', called)
    .replace('{meta}', () => `{${meta}}`)
  const message = attack.message === undefined ? '' : `,${attack.message}`
  const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{${filled(params)}}${filled(message)}}`
  const headers = Object.entries({
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    ...(await range.era(era, site, sender)),
    ...(era === 'modern' && { 'mcp-name': called }),
    ...credentials,
    ...attack.headers,
  }).map(([name, value]) => [name, filled(value)])
  const answer = await range.send(site, encoded(body, attack.encoding), Object.fromEntries(headers) as never)
  return {
    ...answer,
    secrets: [filled('{s}'), filled('{token}').split('.')[2] ?? '', filled('{proof}')].filter(Boolean),
  }
}

function templates(
  range: Range,
  site: Site,
  approval: Approval,
  attack: Omit<Control, 'id'>,
  sent: string,
  credentials: Readonly<Record<string, string>>,
  states: Readonly<Record<string, string>>,
): (text: string) => string {
  const { device, other } = range
  const claims = JSON.stringify({ ...approval.claims, ...resolved(attack.claims ?? {}, approval, sent, range, site) })
  const jwk = jwkOf(attack.jwk ?? 'device', device, other)
  const header = JSON.stringify({ alg: 'ES256', typ: RECEIPT_TYP, ...(jwk && { jwk }), ...attack.header })
  const [h, p, s] = forge({
    header: replaced(header, attack.headerText),
    claims: replaced(claims, attack.claimsText),
    signed: attack.signed ?? 'device',
    device,
    other,
  })
  const forged = forge({
    header: JSON.stringify({ alg: 'ES256', typ: RECEIPT_TYP, jwk: other.jwk }),
    claims: JSON.stringify({ ...approval.claims, args: digestOf('other') }),
    signed: 'another device',
    device,
    other,
  })
  const values: Record<string, string> = {
    '{args}': sent,
    '{h}': h,
    '{p}': p,
    '{s}': s,
    '{other}': forged.join('.'),
    '{otherPayload}': forged[1],
    '{token}': credentials['authorization']?.split(' ')[1] ?? '',
    '{proof}': credentials['dpop'] ?? '',
    ...states,
    '{long}': 'A'.repeat(100_000),
    '{megabyte}': 'A'.repeat(1_100_000),
  }
  const jws = attack.jws ?? '{h}.{p}.{s}'
  const fill = (text: string) => text.replaceAll(/\{[a-zA-Z]+\}/g, (name) => values[name] ?? name)
  return (text) => fill(text.replaceAll('{receipt}', () => jws))
}

/** The state that the server hands out with its question, and what an attacker makes of it. */
export async function statesOf(
  range: Range,
  site: Site,
  { asked, sent = '{"line":"one"}' }: Control,
): Promise<Record<string, string>> {
  if (!asked) return {}
  const at = asked.at === 'replica' ? range.replica : site
  const sender = asked.by ?? 'ada'
  const args = asked.arguments ?? sent
  const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ask","arguments":${args},"_meta":{${eraMeta('modern').join()}}}}`
  const answer = await range.send(at, Buffer.from(body), {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    ...(await range.era('modern', at, sender)),
    'mcp-name': 'ask',
    ...(await range.credentials(sender, at)),
  })
  const state = messageOf(answer.body)?.result?.requestState
  if (state === undefined) throw new Error(`nothing was asked: ${answer.body}`)
  const bytes = Buffer.from(state, 'base64url')
  const flipped = (at: number) => Buffer.from(bytes.map((byte, index) => (index === at ? byte ^ 1 : byte)))
  return {
    '{state}': state,
    '{stateCut}': state.slice(0, -8),
    '{stateFirst}': flipped(0).toString('base64url'),
    '{stateLast}': flipped(bytes.length - 1).toString('base64url'),
    '{stateTurned}': Buffer.concat([bytes.subarray(50), bytes.subarray(0, 50)]).toString('base64url'),
  }
}

function resolved(
  claims: NonNullable<Attack['claims']>,
  approval: Approval,
  sent: string,
  range: Range,
  site: Site,
): Record<string, unknown> {
  const things: Record<Thing, () => unknown> = {
    'other server': () => (site === range.presto ? range.site : range.presto).audience,
    'digest at the other server': () => range.presto.digestOf('execute_statement'),
    'audience with slash': () => `${site.audience}/`,
    'audience in capitals': () => site.audience.toUpperCase(),
    'other tool digest': () => digestOf('an older description'),
    'digest of clear': () => site.digestOf('clear'),
    'other arguments': () => digestOf({ line: 'other' }),
    'arguments as sent': () => digestOf(JSON.parse(sent)),
    'id in capitals': () => String(approval.claims['jti']).toUpperCase(),
  }
  const now = Math.floor(Date.now() / 1000)
  return Object.fromEntries(
    Object.entries(claims).map(([name, claim]) => {
      if (typeof claim !== 'object' || claim === null) return [name, claim]
      if ('now' in claim) return [name, now + claim.now]
      return [name, 'of' in claim ? things[claim.of]() : claim]
    }),
  )
}

function replaced(text: string, change: readonly [string, string] | undefined): string {
  return change === undefined ? text : text.replace(change[0], () => change[1])
}

/** A trace of its own, by which the audit of this very request is found. */
function eraMeta(era: Era): string[] {
  const trace = `"traceparent":"00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01"`
  if (era === 'legacy') return [trace]
  return [
    '"io.modelcontextprotocol/protocolVersion":"2026-07-28"',
    '"io.modelcontextprotocol/clientInfo":{"name":"attacker","version":"1"}',
    '"io.modelcontextprotocol/clientCapabilities":{"elicitation":{"form":{},"url":{}}}',
    trace,
  ]
}

function encoded(text: string, encoding: Attack['encoding'] = 'UTF-8'): Buffer {
  const bytes = Buffer.from(text)
  switch (encoding) {
    case 'UTF-8':
      return bytes
    case 'UTF-16':
      return Buffer.from(text, 'utf16le')
    case 'UTF-8 with BOM':
      return Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes])
    case 'UTF-8 cut short':
      return spliced(bytes, 'one', Buffer.from([0x6f, 0xc3]))
    case 'overlong UTF-8':
      return spliced(bytes, '/b"', Buffer.from([0xc0, 0xaf, 0x62, 0x22]))
  }
}

function spliced(bytes: Buffer, what: string, by: Buffer): Buffer {
  const at = bytes.indexOf(what)
  if (at < 0) throw new Error(`${what} is not in the body`)
  return Buffer.concat([bytes.subarray(0, at), by, bytes.subarray(at + what.length)])
}

/** The stable code of a refusal, wherever its era puts it; `undefined` for a call that ran. */
export function codeOf({ body }: Answer): string | undefined {
  const message = messageOf(body)
  const result = message?.result
  if (result) {
    if (result.isError !== true) return undefined
    return String((result.structuredContent ?? result._meta?.['dev.gatehouse/failure'])?.['code'])
  }
  return String(message?.error?.data?.code ?? `rpc ${message?.error?.code}`)
}

interface Message {
  readonly result?: {
    readonly isError?: boolean
    readonly requestState?: string
    readonly structuredContent?: Record<string, unknown>
    readonly _meta?: Record<string, Record<string, unknown>>
  }
  readonly error?: { readonly code?: number; readonly data?: { readonly code?: string } }
}

function messageOf(body: string): Message | undefined {
  const lines = body.split('\n').flatMap((line) => (line.startsWith('data: ') ? [line.slice(6)] : []))
  for (const text of [body, ...lines.reverse()]) {
    try {
      return JSON.parse(text) as Message
    } catch {
      // A stream is read line by line.
    }
  }
  return undefined
}
