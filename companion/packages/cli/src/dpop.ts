import { createHash, randomUUID } from 'node:crypto'
import type { SigningKey } from './signing-key.ts'

/**
 * `fetch` that sends the token as DPoP with a fresh proof (RFC 9449 section 7.1).
 * @param claims what each proof says beside, such as the channel that somebody is in
 */
export function dpopFetch(
  key: SigningKey,
  token: string,
  claims: Readonly<Record<string, unknown>> = {},
): typeof fetch {
  const ath = createHash('sha256').update(token).digest('base64url')
  return async (input, init) => {
    const request = new Request(input, init)
    const { origin, pathname } = new URL(request.url)
    const iat = Math.floor(Date.now() / 1000)
    const proof = { ...claims, htm: request.method, htu: `${origin}${pathname}`, ath, jti: randomUUID(), iat }
    request.headers.set('Authorization', `DPoP ${token}`)
    request.headers.set('DPoP', await key.sign('dpop+jwt', proof))
    return fetch(request)
  }
}
