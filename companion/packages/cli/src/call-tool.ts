import { clientTerms, type ServerRecord, ToolSurface, toolDigest } from '@gatehouse/contracts'
import { Client, SdkHttpError, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { CliError } from './cli-error.ts'
import { newDevice } from './device.ts'
import { type RunningStack, requestToken } from './running-stack.ts'
import { watchingRefusals } from './refusal.ts'
import { fetchRecord } from './server-record.ts'
import { VERSION } from './version.ts'

/** The editor's client, which has a device key, and the command line's own, which has none. */
const EDITOR = 'gatehouse-vscode'
const COMMAND_LINE = 'gatehouse-cli'
/** Where a server of ours puts the data of a failed result. */
const FAILURE_META = 'dev.gatehouse/failure'

export interface CallRequest {
  readonly server: string
  readonly tool: string
  readonly arguments: Record<string, unknown>
  readonly user: string
  /** With a device key made for this call, as the editor's client; else with a plain bearer token, as the command line's. */
  readonly approve: boolean
}

export interface CallResult {
  readonly isError?: boolean
  readonly content: unknown
  readonly structuredContent?: unknown
}

/**
 * One call as the extension makes it: signed record, tool listed to this person, its digest the reviewed one, then the call.
 * @throws CliError `tool_not_available`, `tool_changed`, `client_unknown`, `request_failed`, those of the record and the token, and the server's own
 */
export async function callTool(stack: RunningStack, call: CallRequest): Promise<CallResult> {
  const record = await fetchRecord(stack.registry, call.server)
  const clientId = call.approve ? EDITOR : COMMAND_LINE
  requireServed(record, clientId)
  const device = call.approve ? await newDevice() : undefined
  const token = await requestToken(stack, {
    user: call.user,
    resource: record.url,
    client: clientId,
    jkt: device?.thumbprint,
  })
  const watching = watchingRefusals(device?.fetchWith(token) ?? bearerFetch(token))
  const client = new Client({ name: 'gatehouse-cli', version: VERSION }, { versionNegotiation: { mode: 'auto' } })
  try {
    await client.connect(new StreamableHTTPClientTransport(new URL(record.url), { fetch: watching.fetch }))
    const { surface, digest } = await reviewedTool(client, record, call)
    const meta = await device?.approve({
      subject: call.user,
      audience: record.url,
      tool: surface.name,
      toolDigest: digest,
      arguments: call.arguments,
    })
    const result = await client.callTool(
      { name: surface.name, arguments: call.arguments, ...(meta && { _meta: meta }) },
      { timeout: 300_000, resetTimeoutOnProgress: true },
    )
    const { isError, content, structuredContent = isError === true ? result._meta?.[FAILURE_META] : undefined } = result
    return {
      ...(isError === true && { isError }),
      content,
      ...(structuredContent !== undefined && { structuredContent }),
    }
  } catch (cause) {
    if (cause instanceof CliError) throw cause
    if (cause instanceof Error && /fetch failed/.test(cause.message)) {
      throw new CliError('stack_not_running', `nothing answers at ${record.url}; is "gatehouse up" running?`, { cause })
    }
    if (cause instanceof SdkHttpError && cause.status === 413) {
      throw new CliError('request_too_large', `${record.title} does not take so much at once; nothing ran`, { cause })
    }
    const refusal = watching.last()
    if (refusal) throw new CliError(refusal.code, `${record.title} refused: ${refusal.message}`, { cause })
    throw new CliError('request_failed', `${record.title} refused: ${firstLine(cause)}`, { cause })
  } finally {
    await client.close().catch(() => undefined)
  }
}

/** @throws CliError `client_unknown`, which says where the server does work */
function requireServed({ title, clients, surfaces }: ServerRecord, clientId: string): void {
  if (clientTerms(clients, clientId)) return
  const editor = clientId === COMMAND_LINE && clientTerms(clients, EDITOR)
  const hint = editor ? '; with --approve the call is made as the editor makes it' : ''
  throw new CliError('client_unknown', `${title} does not serve ${clientId}, but ${surfaces.join(', ')}${hint}`)
}

async function reviewedTool(client: Client, record: ServerRecord, { tool: name, user }: CallRequest) {
  const recorded = record.tools.find((tool) => tool.name === name)
  const { tools } = await client.listTools()
  const listed = tools.find((tool) => tool.name === name)
  if (!recorded || !listed) {
    throw new CliError(
      'tool_not_available',
      `${record.title} offers ${user} no tool ${JSON.stringify(name)}; ask ${record.support.channel}`,
    )
  }
  const surface = ToolSurface.parse(listed)
  if (toolDigest(surface) !== recorded.digest) {
    throw new CliError('tool_changed', `${record.title}: ${name} is not the tool that was reviewed`)
  }
  return { surface, digest: recorded.digest }
}

function bearerFetch(token: string): typeof fetch {
  return (input, init) => {
    const request = new Request(input, init)
    request.headers.set('Authorization', `Bearer ${token}`)
    return fetch(request)
  }
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0]?.slice(0, 300) ?? ''
}
