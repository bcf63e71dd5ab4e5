import { trustDomainOf } from '@gatehouse/contracts'
import { Device } from '../support/device.ts'
import { CALLERS, type CallerName, type CallerSpec, PEOPLE } from './callers.ts'
import { type Outcome, outcomeOf } from './outcome.ts'
import type { ServerName } from './servers/definitions.ts'
import type { Shape } from './shape.ts'
import { send, type Wire } from './wire.ts'

export type Era = 'modern' | 'legacy'

export interface Ask {
  readonly caller: CallerName
  readonly server: ServerName
  readonly era: Era
  readonly method: string
  readonly params?: Readonly<Record<string, unknown>>
}

/** Where a request goes, and the headers by which its caller is known. */
type Addressed = Pick<Wire, 'url' | 'tls'> & { readonly headers: Readonly<Record<string, string>> }

const VERSIONS = { modern: '2026-07-28', legacy: '2025-11-25' } as const
const MODERN_META = {
  'io.modelcontextprotocol/protocolVersion': VERSIONS.modern,
  'io.modelcontextprotocol/clientInfo': { name: 'suite', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
}

/** All callers of the world, as their clients would speak: what is sent is on these pages, and nothing puts it right. */
export class Clients {
  readonly #shape: Shape
  /** Keys by client: a bot has one for all the people it speaks for. */
  readonly #devices = new Map<string, Promise<Device>>()
  readonly #tokens = new Map<string, Promise<string>>()
  readonly #sessions = new Map<string, string>()

  constructor(shape: Shape) {
    this.#shape = shape
  }

  /** One request of one era. A session of the legacy era is opened where there is none; what refuses it refuses the request. */
  async ask({ caller, server, era, method, params = {} }: Ask): Promise<Outcome> {
    if (era === 'legacy') {
      const session = await this.#session(caller, server)
      if (typeof session !== 'string') return session
      return this.#post(caller, server, { method, params }, { 'mcp-session-id': session })
    }
    const name = params['name'] ?? params['uri']
    const headers = { 'mcp-method': method, ...(typeof name === 'string' && { 'mcp-name': name }) }
    return this.#post(caller, server, { method, params: { ...params, _meta: MODERN_META } }, headers, 'modern')
  }

  /** Credentials for one request, fresh. */
  async addressed(caller: CallerName, server: ServerName): Promise<Addressed> {
    const spec: CallerSpec = CALLERS[caller]
    return spec.kind === 'user' ? this.#ofUser(caller, spec, server) : this.#ofWorkload(spec, server)
  }

  async #post(
    caller: CallerName,
    server: ServerName,
    message: { method: string; params: object },
    extra: Readonly<Record<string, string>>,
    era: Era = 'legacy',
  ): Promise<Outcome> {
    const { url, tls, headers } = await this.addressed(caller, server)
    const answer = await send({
      url,
      ...(tls && { tls }),
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': VERSIONS[era],
        ...headers,
        ...extra,
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, ...message }),
    })
    return outcomeOf(answer)
  }

  async #session(caller: CallerName, server: ServerName): Promise<Outcome | string> {
    const key = `${caller} at ${server}`
    const session = this.#sessions.get(key) ?? (await this.#openSession(caller, server))
    if (typeof session === 'string') this.#sessions.set(key, session)
    return session
  }

  async #openSession(caller: CallerName, server: ServerName): Promise<Outcome | string> {
    const { url, tls, headers } = await this.addressed(caller, server)
    const answer = await send({
      url,
      ...(tls && { tls }),
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...headers,
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 0,
        method: 'initialize',
        params: {
          protocolVersion: VERSIONS.legacy,
          capabilities: {},
          clientInfo: { name: 'suite', version: '1' },
        },
      }),
    })
    const id = answer.headers['mcp-session-id']
    return typeof id === 'string' ? id : outcomeOf(answer)
  }

  async #ofUser(caller: CallerName, spec: CallerSpec & { kind: 'user' }, server: ServerName): Promise<Addressed> {
    const url = this.#shape.endpoint(server)
    const device = spec.bound ? await this.device(spec.client) : undefined
    const token = await this.#token(caller, spec, url, device)
    const channel = spec.channelInProof === undefined ? {} : { channel: spec.channelInProof }
    return {
      url,
      headers: {
        authorization: `${device ? 'DPoP' : 'Bearer'} ${token}`,
        ...(device && { dpop: await device.proof('POST', url, token, channel) }),
        ...(spec.channelInHeader !== undefined && {
          'x-gatehouse-channel': spec.channelInHeader,
          channel: spec.channelInHeader,
        }),
      },
    }
  }

  device(client: string): Promise<Device> {
    const known = this.#devices.get(client) ?? Device.create()
    this.#devices.set(client, known)
    return known
  }

  #token(
    caller: CallerName,
    { person, client, scope, channelInToken }: CallerSpec & { kind: 'user' },
    audience: string,
    device: Device | undefined,
  ): Promise<string> {
    const key = `${caller} at ${audience}`
    const { groups, ...rest } = PEOPLE[person]
    const known =
      this.#tokens.get(key) ??
      this.#shape.issuer.token(audience, {
        sub: person,
        client_id: client,
        groups,
        ...rest,
        ...(scope && { scope }),
        ...(channelInToken && { channel: channelInToken }),
        ...(device && { cnf: { jkt: device.thumbprint } }),
      })
    this.#tokens.set(key, known)
    return known
  }

  async #ofWorkload(spec: CallerSpec & { kind: 'workload' }, server: ServerName): Promise<Addressed> {
    const { domain } = this.#shape
    const url = this.#shape.workloadEndpoint(server)
    const path = spec.spiffeId.slice(`spiffe://${trustDomainOf(spec.spiffeId)}/`.length)
    if (spec.by === 'JWT-SVID') {
      const token = await domain.jwt(path, this.#shape.endpoint(server))
      return { url, tls: { ca: domain.bundle }, headers: { authorization: `Bearer ${token}` } }
    }
    const { certificates, key } = await domain.svid(path)
    return {
      url,
      tls: { ca: domain.bundle, cert: certificates, key },
      headers: {},
    }
  }
}
