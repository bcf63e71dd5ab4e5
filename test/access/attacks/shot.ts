import { createHmac, createSign, hash, randomUUID } from 'node:crypto'
import { createForgingKey, type ForgingKey } from '../../kit/attacks/forge.ts'
import { type RawHttp, rawHttp } from '../../support/raw-http.ts'
import type { ServerName } from '../servers/definitions.ts'
import type { Shape } from '../shape.ts'
import type { Attack, Control, Facts, ForgedProof } from './attack.ts'

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'attacker', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
}
const TOOL = 'search'

/** Sends requests byte by byte as the attacks say; with no attack at all, the genuine call of `search`. */
export class Gun {
  readonly #shape: Shape
  readonly #server: ServerName
  readonly #device: ForgingKey
  readonly #other: ForgingKey

  private constructor(shape: Shape, device: ForgingKey, other: ForgingKey) {
    this.#shape = shape
    this.#server = 'presto'
    this.#device = device
    this.#other = other
  }

  static async create(shape: Shape): Promise<Gun> {
    const [device, other] = await Promise.all([createForgingKey(), createForgingKey()])
    return new Gun(shape, device, other)
  }

  async fire(attack: Omit<Control, 'id'>): Promise<RawHttp> {
    const token = attack.token ?? (await this.token(attack))
    const proof = this.#proof(token, attack.proof ?? {})
    if (attack.proof?.used) await this.#send(attack, token, proof)
    return this.#send(attack, token, proof)
  }

  /** A genuine token but for what the attack changes of it. */
  token({
    client,
    claims,
    tokenHeader,
    signing,
  }: Pick<Attack, 'client' | 'claims' | 'tokenHeader' | 'signing'>): Promise<string> {
    const facts = this.#facts('')
    const bound = client === 'editor' ? { client_id: 'gatehouse-vscode', cnf: { jkt: this.#device.thumbprint } } : {}
    return this.#shape.issuer.token(
      facts.endpoint(this.#server),
      { ...bound, ...claims?.(facts) },
      tokenHeader?.(facts),
      signing,
    )
  }

  #facts(token: string): Facts {
    const { issuer } = this.#shape
    return {
      now: Math.floor(Date.now() / 1000),
      issuer: issuer.url,
      endpoint: (server) => this.#shape.endpoint(server),
      device: this.#device,
      other: this.#other,
      token,
    }
  }

  #send(attack: Omit<Control, 'id'>, token: string, proof: string): Promise<RawHttp> {
    const url = new URL(this.#shape.endpoint(this.#server))
    const vault = new URL(this.#shape.endpoint('vault'))
    const name = attack.name ?? TOOL
    const genuine = JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name, arguments: {}, _meta: META },
    })
    const body = (attack.body ?? '{body}').replaceAll('{body}', () => genuine)
    const dpop = attack.client === 'editor'
    const credentials = [
      ...(attack.authorization ?? [`Authorization: ${dpop ? 'DPoP' : 'Bearer'} {token}`]),
      ...(attack.dpop ?? (dpop ? ['DPoP: {proof}'] : [])),
    ]
    const values: Readonly<Record<string, string>> = {
      token,
      proof,
      body,
      length: String(Buffer.byteLength(body)),
      path: url.pathname,
      host: url.host,
      port: url.port,
      vault: '/vault/mcp',
      vaultHost: vault.host,
      credentials: credentials.join('\r\n').replaceAll('{token}', token).replaceAll('{proof}', proof),
    }
    const fill = (text: string) => text.replaceAll(/\{([a-zA-Z]+)\}/g, (whole, key: string) => values[key] ?? whole)
    const { lines, wire } = attack.framing ?? { lines: ['Content-Length: {length}'], wire: '{body}' }
    const head = [
      `${attack.method ?? 'POST'} ${attack.target ?? '{path}'} HTTP/1.1`,
      `Host: ${attack.host ?? '{host}'}`,
      'Connection: close',
      'Content-Type: application/json',
      'Accept: application/json, text/event-stream',
      'Mcp-Protocol-Version: 2026-07-28',
      `Mcp-Method: ${attack.said?.method ?? 'tools/call'}`,
      `Mcp-Name: ${attack.said?.name ?? name}`,
      ...credentials,
      ...(attack.headers ?? []),
      ...lines,
    ]
    return rawHttp(url.origin, (socket) => void socket.write(fill(`${head.join('\r\n')}\r\n\r\n${wire}`)), {
      time: 8_000,
    })
  }

  #proof(token: string, { claims, header, by, signed }: ForgedProof): string {
    const facts = this.#facts(token)
    const key = by === 'another device' ? this.#other : this.#device
    const data = [
      { alg: 'ES256', typ: 'dpop+jwt', jwk: key.jwk, ...header?.(facts) },
      {
        htm: 'POST',
        htu: facts.endpoint(this.#server),
        jti: randomUUID(),
        iat: facts.now,
        ath: hash('sha256', token, 'base64url'),
        ...claims?.(facts),
      },
    ]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.')
    return `${data}.${signatureOf(data, key, signed).toString('base64url')}`
  }
}

function signatureOf(data: string, key: ForgingKey, signed: ForgedProof['signed']): Buffer {
  if (signed === 'nothing') return Buffer.alloc(0)
  if (signed === 'public key as secret') return createHmac('sha256', JSON.stringify(key.jwk)).update(data).digest()
  return createSign('sha256').update(data).sign({ key: key.privateKey, dsaEncoding: 'ieee-p1363' })
}
