import { errors, type OidcContext, type Provider } from 'oidc-provider'
import validateDpop, { checkDpopReplay } from 'oidc-provider/lib/helpers/validate_dpop.js'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { z } from 'zod'
import { resourceServerInfo, SCOPE } from './access-token.ts'
import { TOKEN_EXCHANGE } from './clients.ts'
import { findPerson } from './people.ts'
import type { ProviderOptions } from './provider-options.ts'

/** RFC 8693 §3. */
const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token'

const Parameters = z.object({
  subject_token: z.string().min(1).max(8192),
  subject_token_type: z.literal(ACCESS_TOKEN_TYPE),
  requested_token_type: z.literal(ACCESS_TOKEN_TYPE).optional(),
  resource: z.url({ protocol: /^https?$/ }).refine((url) => !url.includes('#'), 'must not have a fragment'),
  scope: z.literal(SCOPE).optional(),
})

const SubjectToken = z.object({
  jti: z.string(),
  sub: z.string(),
  aud: z.string(),
  client_id: z.string(),
  cnf: z.object({ jkt: z.string() }),
})
type SubjectToken = z.infer<typeof SubjectToken>

/**
 * Token exchange (RFC 8693): from the access token of a sign-in, one for another resource, silently. So one sign-in serves every server,
 * those listed later too; a refresh may only name resources of the sign-in. It never widens: same client, same person, same DPoP key,
 * a grant that has not been revoked, and never from a token that a server was sent.
 */
export function registerTokenExchange(provider: Provider, options: ProviderOptions): void {
  const parameters = [
    'subject_token',
    'subject_token_type',
    'requested_token_type',
    'resource',
    'scope',
    'audience',
    'actor_token',
  ]
  provider.registerGrantType(TOKEN_EXCHANGE, (context) => exchange(provider, options, context), parameters)
}

async function exchange(provider: Provider, options: ProviderOptions, context: OidcContext): Promise<void> {
  const { client } = context.oidc
  const request = readRequest(context.oidc.params)
  const proof = await validateDpop(provider, context)
  if (!proof) throw new errors.InvalidGrant('DPoP proof JWT not provided')
  const subject = await verifySubject(request.subject_token, options)
  if (subject.client_id !== client.clientId) throw new errors.InvalidGrant('subject_token was issued to another client')
  if (subject.cnf.jkt !== proof.thumbprint) throw new errors.InvalidGrant('subject_token is bound to another DPoP key')
  await checkDpopReplay(provider, context, proof, client.clientId)

  const grantId = options.store.grantOf(subject.jti)
  const grant = grantId === undefined ? undefined : await provider.Grant.find(grantId)
  if (!grant || grant.accountId !== subject.sub || grant.clientId !== client.clientId) {
    throw new errors.InvalidGrant('the sign-in behind subject_token has ended')
  }
  if (!findPerson(subject.sub)) throw new errors.InvalidGrant('subject_token names an unknown person')

  const token = new provider.AccessToken({
    accountId: subject.sub,
    client,
    grantId: grant.jti,
    gty: 'token_exchange',
    resourceServer: new provider.ResourceServer(request.resource, resourceServerInfo(request.resource)),
  })
  token.scope = SCOPE
  token.setThumbprint('jkt', proof.thumbprint)
  context.body = {
    access_token: await token.save(),
    issued_token_type: ACCESS_TOKEN_TYPE,
    token_type: token.tokenType,
    expires_in: token.expiration,
    scope: SCOPE,
  }
}

function readRequest(raw: Record<string, unknown>): z.infer<typeof Parameters> {
  // RFC 8693 §2.1: refused rather than ignored, so that nobody believes a token to be what it is not.
  for (const name of ['audience', 'actor_token']) {
    if (raw[name] !== undefined) throw new errors.InvalidRequest(`${name} is not supported`)
  }
  const parsed = Parameters.safeParse(raw)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const name = String(issue?.path[0] ?? 'request')
  if (name === 'resource')
    throw new errors.InvalidTarget('resource must be one absolute http or https URL without a fragment')
  if (name === 'scope') throw new errors.InvalidScope(`scope may only be ${SCOPE}`)
  throw new errors.InvalidRequest(`${name} is missing or not supported`)
}

async function verifySubject(token: string, { issuer, keys, registry }: ProviderOptions): Promise<SubjectToken> {
  const { d: _private, ...publicKey } = keys.signing
  try {
    const { payload } = await jwtVerify(token, createLocalJWKSet({ keys: [publicKey] }), {
      issuer,
      typ: 'at+jwt',
      algorithms: ['ES256'],
      requiredClaims: ['exp', 'jti', 'aud'],
      ...(registry !== undefined && { audience: registry }),
    })
    return SubjectToken.parse(payload)
  } catch (cause) {
    throw new errors.InvalidGrant(
      'subject_token is not a current, DPoP-bound access token of the registry',
      String(cause),
    )
  }
}
