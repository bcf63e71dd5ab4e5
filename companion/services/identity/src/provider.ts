import { SELF_REGISTERED } from '@gatehouse/contracts'
import {
  type Account,
  type AccessToken,
  type Client,
  type Configuration,
  errors,
  type Grant,
  interactionPolicy,
  type OidcContext,
  Provider,
} from 'oidc-provider'
import { ACCESS_TOKEN_LIFE, resourceServerInfo } from './access-token.ts'
import { clients } from './clients.ts'
import { errorPage } from './error-page.ts'
import { findPerson } from './people.ts'
import type { ProviderOptions } from './provider-options.ts'
import { offersRegistration, REGISTRATION_PATH } from './registration-endpoint.ts'
import { registerTokenExchange } from './token-exchange.ts'

/** Life of an authorization code, seconds: long enough for a person to paste it (RFC 6749 §4.1.2 allows ten minutes). */
const CODE_LIFE = 300
const SIGN_IN_LIFE = 1800
const GRANT_LIFE = 14 * 24 * 3600

/** The OpenID provider: authorization code with PKCE S256, ES256 `at+jwt` per resource (RFC 9068, RFC 8707), DPoP, rotation, revocation, exchange. */
export function createProvider(options: ProviderOptions): Provider {
  const provider = new Provider(options.issuer, configuration(options))
  // Every URL comes from the issuer: the listener sets host and protocol before a request gets here.
  provider.proxy = true
  registerTokenExchange(provider, options)
  provider.on('access_token.issued', (token) => {
    if (token.grantId !== undefined) {
      options.store.rememberToken(token.jti, token.grantId, Math.floor(Date.now() / 1000) + token.expiration)
    }
  })
  return provider
}

function configuration({ issuer, store, keys }: ProviderOptions): Configuration {
  return {
    adapter: (model) => store.adapter(model),
    jwks: { keys: [keys.signing] },
    clients: clients(issuer),
    // With an ES256 key alone the default, RS256, would make every client invalid.
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    clientAuthMethods: ['none'],
    responseTypes: ['code'],
    scopes: ['openid', 'offline_access'],
    claims: { openid: ['sub', 'name', 'groups'] },
    cookies: {
      keys: [keys.cookie],
      names: cookieNames(issuer),
      short: { httpOnly: true, sameSite: 'lax', signed: true },
    },
    pkce: { required: () => true },
    routes: { authorization: '/authorize', revocation: '/revoke', userinfo: '/userinfo' },
    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: true, nonceSecret: keys.nonce, requireNonce: () => false, allowReplay: false },
      pushedAuthorizationRequests: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: async (_context: OidcContext, _client: Client, oneOf?: unknown) => oneOf,
        // A refresh that names no resource is for the one of the sign-in.
        useGrantedResource: async () => true,
        getResourceServerInfo: async (_context: OidcContext, resource: string) => resourceServerInfo(resource),
      },
      revocation: {
        enabled: true,
        allowedPolicy: async (_context: OidcContext, client: Client, token: { readonly clientId: string }) =>
          token.clientId === client.clientId,
      },
      rpInitiatedLogout: { enabled: false },
    },
    interactions: { policy: firstPartyPolicy(), url: (_context, interaction) => `/interaction/${interaction.uid}` },
    ttl: {
      AccessToken: () => ACCESS_TOKEN_LIFE,
      AuthorizationCode: () => CODE_LIFE,
      IdToken: () => ACCESS_TOKEN_LIFE,
      Interaction: () => SIGN_IN_LIFE,
      Session: () => SIGN_IN_LIFE,
      Grant: () => GRANT_LIFE,
      RefreshToken: () => GRANT_LIFE,
    },
    // No browser application is registered here.
    clientBasedCORS: () => false,
    extraTokenClaims: async (_context, token) => claimsOf(token),
    ...(offersRegistration(issuer) && { discovery: { registration_endpoint: `${issuer}${REGISTRATION_PATH}` } }),
    expiresWithSession: async () => false,
    findAccount: async (_context, subject) => accountOf(subject),
    issueRefreshToken: async (_context, client) => client.grantTypeAllowed('refresh_token'),
    loadExistingGrant: (context) => grantOfSignIn(context),
    renderError: async (context, out) => errorPage(context, out),
    rotateRefreshToken: () => true,
  }
}

/** No consent screen: both clients are first-party. The sign-in itself is never skipped, since no browser session is kept. */
function firstPartyPolicy(): unknown {
  const policy = interactionPolicy.base()
  policy.get('consent').checks.remove('native_client_prompt')
  return policy
}

/** One grant per sign-in, so that signing out, or a reused refresh token, ends that sign-in alone. */
async function grantOfSignIn(context: OidcContext): Promise<Grant | undefined> {
  const { oidc } = context
  if (oidc.result?.login === undefined) return undefined
  const grant = new oidc.provider.Grant({ accountId: oidc.result.login.accountId, clientId: oidc.client.clientId })
  grant.addOIDCScope([...oidc.requestParamOIDCScopes].join(' '))
  for (const [resource, server] of Object.entries(oidc.resourceServers)) {
    grant.addResourceScope(resource, [...oidc.requestParamScopes].filter((scope) => server.scopes.has(scope)).join(' '))
  }
  await grant.save()
  return grant
}

/** @throws errors.InvalidRequest for a client that registered itself and brings a key: the key would sign approvals of writes */
function claimsOf(token: AccessToken): Record<string, unknown> | undefined {
  if (token.clientId.startsWith(SELF_REGISTERED) && token.jkt !== undefined) {
    throw new errors.InvalidRequest('clients that registered themselves use bearer tokens, without DPoP')
  }
  const person = findPerson(token.accountId)
  return person && { groups: [...person.groups], name: person.name }
}

function accountOf(subject: string): Account | undefined {
  const person = findPerson(subject)
  if (!person) return undefined
  const claims = { sub: person.user, name: person.name, groups: [...person.groups] }
  return { accountId: person.user, claims: async () => claims }
}

/** Cookies do not tell ports apart, so two local stacks on one host need names of their own. */
function cookieNames(issuer: string): Record<string, string> {
  const suffix = new URL(issuer).port || 'default'
  return {
    session: `gatehouse_session_${suffix}`,
    interaction: `gatehouse_interaction_${suffix}`,
    resume: `gatehouse_resume_${suffix}`,
  }
}
