import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GatehouseError } from '@gatehouse/contracts'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { z } from 'zod'
import { createConnections } from '../../../src/connections/connections.ts'
import type { Elicitation, ElicitationAnswer, OfferedTool, ToolOutcome } from '../../../src/connections/types.ts'
import { checkAnswer, formFields } from '../../../src/editor/elicitation-form.ts'
import type { FieldValue } from '../../../src/messages.ts'
import { createPlans } from '../../../src/plans/plans.ts'
import type { Session } from '../../../src/session/types.ts'
import { approvedList } from './approved-list.ts'
import { type Call, callsOf } from './calls.ts'
import { personSigningIn, personWithoutTokens } from './person.ts'
import { reviewer } from './reviewer.ts'

const SERVER = 'conformance'
const CLIENT = { name: 'gatehouse-vscode', version: '0.1.0' }
/** A person does not click for ever. */
const MOST_CLICKS = 3
/** Codes that come with a “Sign In” button. */
const SIGN_IN_CODES = ['signed_out', 'not_signed_in', 'session_ended', 'scope_needed']

const Context = z.object({
  client_id: z.string().optional(),
  client_secret: z.string().optional(),
  issuer: z.string().optional(),
  toolCalls: z.array(z.object({ name: z.string(), arguments: z.record(z.string(), z.unknown()) })).optional(),
})

// The suite gives up on a client without ending it.
setTimeout(() => process.exit(3), 60_000).unref()

const url = z.url().parse(process.argv.at(-1))
const scenario = z.string().parse(process.env['MCP_CONFORMANCE_SCENARIO'])
const context = Context.parse(JSON.parse(process.env['MCP_CONFORMANCE_CONTEXT'] ?? '{}'))
const log = (line: string): void => console.error(line)
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-conformance-'))

const review = reviewer(SERVER, url)
const session = watchedBy(scenario.startsWith('auth/') ? someone() : personWithoutTokens(fetch))
const list = approvedList(review.record())
const plans = createPlans({ folder, sealKey: crypto.getRandomValues(new Uint8Array(32)), log: () => undefined })
const connections = createConnections({
  catalog: list,
  session,
  plans,
  clientInfo: CLIENT,
  elicit: async (elicitation) => acceptAsShown(elicitation),
  log: ({ code, message }) => log(`${code}: ${message}`),
})
let clicks = 0

try {
  if (session.state().kind !== 'signed-in') await firstContact()
  const tools = await reviewedTools()
  for (const call of context.toolCalls ?? callsOf(tools)) await run(call)
} catch (error) {
  process.exitCode = 1
  log(error instanceof GatehouseError ? `${error.code}: ${error.message}` : String(error))
} finally {
  plans.dispose()
  await connections.dispose()
  session.dispose()
  rmSync(folder, { recursive: true, force: true })
}

function someone(): Session {
  const { client_id: id, client_secret: secret, issuer } = context
  const registered = id === undefined ? undefined : { id, ...(secret && { secret }), ...(issuer && { issuer }) }
  return personSigningIn({ url, folder, registered, bound: scenario.startsWith('auth/dpop'), log })
}

/** Every request of the session for the server passes the reviewer. */
function watchedBy(person: Session): Session {
  return new Proxy(person, {
    get(target, name) {
      if (name === 'fetchFor') return (resource: string) => review.watched(target.fetchFor(resource))
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

/** Someone who is signed out looks at the server: its 401 says where to sign in (MCP, authorization). */
async function firstContact(): Promise<void> {
  await session.restored
  const client = new Client(CLIENT, { versionNegotiation: { mode: 'auto' } })
  const transport = new StreamableHTTPClientTransport(new URL(url), { fetch: session.fetchFor(url) })
  try {
    await client.connect(transport)
    await client.listTools()
  } catch {
    await signIn()
  } finally {
    await client.close()
  }
}

async function signIn(): Promise<void> {
  if (++clicks > MOST_CLICKS) throw new Error('the person has given up')
  await session.signIn(AbortSignal.timeout(20_000))
}

/** The first look is refused, since nothing has been reviewed; the reviewer records what was shown, and the next is checked against that. */
async function reviewedTools(): Promise<readonly OfferedTool[]> {
  const first = await look()
  if (first !== 'surface_mismatch') return first
  list.approve(review.record())
  const second = await look()
  if (second === 'surface_mismatch') throw new Error('the server showed other tools to the next look')
  return second
}

async function look(): Promise<readonly OfferedTool[] | 'surface_mismatch'> {
  for (;;) {
    try {
      return await connections.tools(SERVER)
    } catch (error) {
      const code = error instanceof GatehouseError ? error.code : 'unknown'
      log(`tools: ${code}`)
      if (code === 'surface_mismatch') return code
      if (!SIGN_IN_CODES.includes(code)) throw error
      await signIn()
    }
  }
}

async function run(call: Call): Promise<void> {
  const outcome = await callOnce(call.name, call.arguments)
  log(`${call.name}: ${outcome.code ?? 'ok'}`)
  if (SIGN_IN_CODES.includes(outcome.code ?? '')) {
    await signIn()
    return run(call)
  }
  if ((outcome.isError ? outcome.code : undefined) !== call.refusedAs) throw new Error(outcome.text)
}

function callOnce(tool: string, args: Record<string, unknown>): Promise<ToolOutcome> {
  return connections.call({
    server: SERVER,
    tool,
    arguments: args,
    origin: { door: 'chat', conversation: 'conformance', request: tool },
    signal: AbortSignal.timeout(20_000),
  })
}

/** The person accepts the form as the editor shows it. */
function acceptAsShown(elicitation: Elicitation): ElicitationAnswer {
  if (elicitation.mode === 'url') return { action: 'decline' }
  const fields = formFields(elicitation.schema)
  const content: Record<string, FieldValue> = {}
  for (const field of fields) if (field.initial !== undefined) content[field.name] = field.initial
  const answer = checkAnswer(fields, content)
  return answer.kind === 'valid' ? { action: 'accept', content: answer.content } : { action: 'cancel' }
}
