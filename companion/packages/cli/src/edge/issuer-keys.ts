import { z } from 'zod'
import { requestJson } from '../http.ts'
import { EdgeError } from './edge-error.ts'

const Metadata = z.object({ issuer: z.string(), jwks_uri: z.url({ protocol: /^https?$/ }) })

/**
 * Where the keys of an issuer are, by OpenID Connect discovery. The issuer named there has to be the one that was asked (OpenID Connect Discovery 1.0
 * section 4.3), or keys of one would speak for another.
 * @throws EdgeError `issuer_invalid`, CliError
 */
export async function discoverKeys(issuer: string): Promise<{ issuer: string; jwksUri: string }> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  const metadata = await requestJson(Metadata, url)
  if (metadata.issuer !== issuer) throw new EdgeError('issuer_invalid', `${url} names another issuer`)
  return { issuer, jwksUri: metadata.jwks_uri }
}
