import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Identity, type IdentityConfig, startIdentity } from '@gatehouse/identity'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose'

export const REGISTRY = 'http://registry.test'
export const PRESTO = 'http://presto.test/mcp'
export const DEV_SECRET = 'development-secret-development-secret'
export const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
export const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token'
export const REDIRECT = 'http://127.0.0.1:45123/callback'

/** Starts identity in a folder of its own; `restart` starts it again on the same folder and port. */
export async function startForTest(overrides: Partial<IdentityConfig> = {}) {
  const data = await mkdtemp(join(tmpdir(), 'gatehouse-identity-'))
  const config = { host: '127.0.0.1', port: 0, data, registry: REGISTRY, devSecret: DEV_SECRET, ...overrides }
  let identity: Identity = await startIdentity(config)
  const url = identity.url
  return {
    url,
    data,
    async restart() {
      await identity.stop()
      identity = await startIdentity({ ...config, port: Number(new URL(url).port) })
      // The first request may meet a pooled connection that the stop has just closed.
      await fetch(`${url}/healthz`).catch(() => undefined)
    },
    async stop() {
      await identity.stop()
      await rm(data, { recursive: true, force: true })
    },
  }
}

export interface Device {
  readonly thumbprint: string
  proof(url: string, overrides?: Record<string, unknown>): Promise<string>
}

/** A device key and its DPoP proofs (RFC 9449 §4.2). */
export async function newDevice(): Promise<Device> {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = await exportJWK(publicKey)
  return {
    thumbprint: await calculateJwkThumbprint(jwk),
    proof: (url, overrides = {}) =>
      new SignJWT({ htm: 'POST', htu: url, jti: randomUUID(), ...overrides })
        .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
        .setIssuedAt()
        .sign(privateKey),
  }
}

export interface TokenReply {
  readonly status: number
  readonly body: Record<string, unknown>
}

/** `POST /token` with a proof of `device` where there is one. */
export async function requestToken(issuer: string, form: Record<string, string>, device?: Device): Promise<TokenReply> {
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: device ? { dpop: await device.proof(`${issuer}/token`) } : {},
    body: new URLSearchParams(form),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

/** A browser with cookies that stops at the first redirect that leaves the provider. */
export class Browser {
  readonly #cookies = new Map<string, string>()

  constructor(readonly origin: string) {}

  async open(url: string, form?: Record<string, string>): Promise<{ url: string; response?: Response }> {
    let next = new URL(url, this.origin)
    let body = form
    for (let hop = 0; hop < 10; hop++) {
      if (next.origin !== this.origin || next.pathname === '/code') return { url: next.href }
      const response = await fetch(next, {
        method: body ? 'POST' : 'GET',
        redirect: 'manual',
        headers: { cookie: [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
        ...(body && { body: new URLSearchParams(body) }),
      })
      for (const line of response.headers.getSetCookie()) {
        const [name = '', value = ''] = (line.split(';')[0] ?? '').split('=', 2)
        this.#cookies.set(name, value)
      }
      const location = response.headers.get('location')
      if (location === null) return { url: next.href, response }
      next = new URL(location, next)
      body = undefined
    }
    throw new Error('too many redirects')
  }
}

export function authorizeUrl(
  issuer: string,
  challenge: string | undefined,
  overrides: Record<string, string> = {},
): string {
  const url = new URL('/authorize', issuer)
  const parameters = {
    client_id: 'gatehouse-vscode',
    response_type: 'code',
    redirect_uri: REDIRECT,
    scope: 'openid mcp',
    resource: REGISTRY,
    state: 'the-state',
    ...(challenge !== undefined && { code_challenge: challenge, code_challenge_method: 'S256' }),
    ...overrides,
  }
  url.search = new URLSearchParams(parameters).toString()
  return url.href
}
