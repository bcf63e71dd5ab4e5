import { AuthorizeAnswer, type ListedServer, type ServerRecord, ToolSurface, toolDigest } from '@gatehouse/contracts'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { CliError } from '../cli-error.ts'
import { dpopFetch } from '../dpop.ts'
import { requestJson } from '../http.ts'
import { watchingRefusals } from '../refusal.ts'
import { type RunningStack, requestToken } from '../running-stack.ts'
import type { SigningKey } from '../signing-key.ts'
import { VERSION } from '../version.ts'
import type { Answer, OfferedTool } from './answer.ts'
import { approvedList } from './approved-list.ts'
import type { Asked } from './message.ts'
import { answerOf } from './result.ts'

/** As which the records know the bot: on the surface team-chat, bound to its key, its channel under the signature of each proof. */
const CLIENT_ID = 'gatehouse-team-chat'
/** Milliseconds. */
const TIME_LIMIT = 120_000

export interface TeamChatOptions {
  readonly stack: RunningStack
  readonly key: SigningKey
  /** Who speaks to the bot, as the chat's own sign-in says. */
  readonly user: string
  /** Absent: a direct message, which is in no channel. */
  readonly channel: string | undefined
}

/** The bot's part of one conversation: each message is answered for the person who wrote it and for the channel that it stands in. */
export class TeamChat {
  readonly #options: TeamChatOptions

  constructor(options: TeamChatOptions) {
    this.#options = options
  }

  /** @throws CliError */
  async answer(message: Asked, signal: AbortSignal): Promise<Answer> {
    switch (message.kind) {
      case 'help':
        return { kind: 'help' }
      case 'servers':
        return { kind: 'servers', servers: await this.#list() }
      case 'tools':
        return this.#tools(message.server, signal)
      case 'call':
        return this.#call(message, signal)
    }
  }

  async #list(): Promise<readonly ListedServer[]> {
    const { registry } = this.#options.stack
    const owner = { user: this.#options.user, client: CLIENT_ID }
    return approvedList(registry, owner, await this.#sender(registry))
  }

  async #tools(server: string | undefined, signal: AbortSignal): Promise<Answer> {
    const listed = await this.#list()
    const wanted = server === undefined ? listed : [await this.#listed(server, listed)]
    if (server !== undefined && wanted[0]?.access === 'denied')
      return { kind: 'denied', code: 'denied', reason: wanted[0].reason }
    const tools: OfferedTool[] = []
    for (const one of wanted) if (one.access === 'allowed') tools.push(...(await this.#offered(one.record, signal)))
    return { kind: 'tools', tools }
  }

  async #call({ server, tool, arguments: given }: Extract<Asked, { kind: 'call' }>, signal: AbortSignal) {
    const listed = await this.#listed(server, await this.#list())
    if (listed.access === 'denied') return { kind: 'denied', code: 'denied', reason: listed.reason } as const
    const { record } = listed
    if (!record.tools.some(({ name }) => name === tool)) return this.#whyNot(server, tool)
    return this.#connected(record, signal, async (client) => {
      const known = (await this.#reviewed(client, record)).some(({ name }) => name === tool)
      if (!known) throw new CliError('tool_changed', `${record.title}: ${tool} is not the tool that was reviewed`)
      const result = await client.callTool({ name: tool, arguments: given }, { signal, timeout: TIME_LIMIT })
      return answerOf(record, result)
    })
  }

  /** @throws CliError `server_unknown` for one that is not in the person's list, which is all that may be said of it */
  async #listed(server: string, listed: readonly ListedServer[]): Promise<ListedServer> {
    const found = listed.find((one) => (one.access === 'allowed' ? one.record.id : one.id) === server)
    if (found) return found
    throw new CliError('server_unknown', `there is no server ${JSON.stringify(server)} here; say: servers`)
  }

  /** The registry's reason, which is the server's: both decide with one function. */
  async #whyNot(server: string, tool: string): Promise<Answer> {
    const { registry } = this.#options.stack
    const question = {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ server, tool }),
    }
    const url = `${registry}/gatehouse/v1/authorize`
    const { allowed, reason } = await requestJson(AuthorizeAnswer, url, question, await this.#sender(registry))
    if (allowed) throw new CliError('list_outdated', `${tool} was not in your list a moment ago; say it again`)
    return { kind: 'denied', code: 'denied', reason: `${tool}: ${reason}` }
  }

  async #offered(record: ServerRecord, signal: AbortSignal): Promise<readonly OfferedTool[]> {
    return this.#connected(record, signal, async (client) => {
      const effects = new Map(record.tools.map(({ name, effect }) => [name, effect]))
      return (await this.#reviewed(client, record)).map(({ name, title, description }) => ({
        server: record.id,
        name,
        title: title ?? name,
        description: description ?? '',
        effect: effects.get(name) ?? 'write',
      }))
    })
  }

  /** Of the tools that the server lists those that are in the person's list, each as it was reviewed. */
  async #reviewed(client: Client, record: ServerRecord): Promise<readonly ToolSurface[]> {
    const digests = new Map(record.tools.map(({ name, digest }) => [name, digest]))
    const { tools } = await client.listTools()
    return tools
      .flatMap((tool) => ToolSurface.safeParse(tool).data ?? [])
      .filter((surface) => digests.get(surface.name) === toolDigest(surface))
  }

  async #connected<T>(record: ServerRecord, signal: AbortSignal, use: (client: Client) => Promise<T>) {
    const watching = watchingRefusals(await this.#sender(record.url))
    const client = new Client({ name: CLIENT_ID, version: VERSION }, { versionNegotiation: { mode: 'auto' } })
    try {
      await client.connect(new StreamableHTTPClientTransport(new URL(record.url), { fetch: watching.fetch }))
      return await use(client)
    } catch (cause) {
      if (cause instanceof CliError || signal.aborted) throw cause
      const refusal = watching.last()
      if (refusal) throw new CliError(refusal.code, `${record.title} refused: ${refusal.message}`, { cause })
      throw new CliError('request_failed', `${record.title} does not answer as it should`, { cause })
    } finally {
      await client.close().catch(() => undefined)
    }
  }

  /** A token for one resource alone, and with each request a proof that names the channel. */
  async #sender(resource: string): Promise<typeof fetch> {
    const { stack, key, user, channel } = this.#options
    const token = await requestToken(stack, { user, resource, client: CLIENT_ID, jkt: key.thumbprint })
    return dpopFetch(key, token, channel === undefined ? {} : { channel })
  }
}
