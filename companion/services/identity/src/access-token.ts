import type { ResourceServerInfo } from 'oidc-provider'

/** Scope of every access token for a Gatehouse resource. */
export const SCOPE = 'mcp'
/** Life of an access token, seconds. */
export const ACCESS_TOKEN_LIFE = 600

export function resourceServerInfo(resource: string): ResourceServerInfo {
  return {
    scope: SCOPE,
    audience: resource,
    accessTokenTTL: ACCESS_TOKEN_LIFE,
    accessTokenFormat: 'jwt',
    jwt: { sign: { alg: 'ES256' } },
  }
}
