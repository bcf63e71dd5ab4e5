import { createRemoteJWKSet, customFetch, type JWTVerifyGetKey } from 'jose'
import { z } from 'zod'

const Metadata = z.object({ issuer: z.string(), jwks_uri: z.url() })
const TIMEOUT = 5_000

/**
 * The issuer's keys, found through OpenID Connect discovery on first use and refreshed when a key id is not known.
 * A failed discovery is tried again by the next call.
 */
export function createIssuerKeys(issuer: string, fetcher: typeof fetch): JWTVerifyGetKey {
  let keys: Promise<JWTVerifyGetKey> | undefined
  return async (header, token) => {
    keys ??= discover(issuer, fetcher).catch((error: unknown) => {
      keys = undefined
      throw error
    })
    return (await keys)(header, token)
  }
}

async function discover(issuer: string, fetcher: typeof fetch): Promise<JWTVerifyGetKey> {
  const response = await fetcher(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, {
    signal: AbortSignal.timeout(TIMEOUT),
    redirect: 'error',
  })
  if (!response.ok) throw new TypeError(`discovery answered ${response.status}`)
  const metadata = Metadata.parse(await response.json())
  // OpenID Connect Discovery 1.0 section 4.3, RFC 8414 section 3.3.
  if (metadata.issuer !== issuer) throw new TypeError('discovery names another issuer')
  return createRemoteJWKSet(new URL(metadata.jwks_uri), {
    timeoutDuration: TIMEOUT,
    cooldownDuration: 5_000,
    [customFetch]: (url, init) => fetcher(url, init),
  })
}
