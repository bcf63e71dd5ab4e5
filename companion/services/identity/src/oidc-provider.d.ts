/** The part of oidc-provider 9 that this service uses; the package carries no types of its own. */
declare module 'oidc-provider' {
  import type { IncomingMessage, ServerResponse } from 'node:http'
  import type { JWK } from 'jose'

  export interface Adapter {
    upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void>
    find(id: string): Promise<AdapterPayload | undefined>
    findByUid(uid: string): Promise<AdapterPayload | undefined>
    findByUserCode(code: string): Promise<AdapterPayload | undefined>
    consume(id: string): Promise<void>
    destroy(id: string): Promise<void>
    revokeByGrantId(grantId: string): Promise<void>
  }
  export type AdapterPayload = Record<string, unknown>

  export interface ClientMetadata {
    readonly client_id: string
    readonly client_name?: string
    readonly application_type: 'native' | 'web'
    readonly grant_types: readonly string[]
    readonly response_types: readonly string[]
    readonly redirect_uris: readonly string[]
    readonly token_endpoint_auth_method: 'none'
    readonly dpop_bound_access_tokens?: boolean
  }

  export interface Client {
    readonly clientId: string
    readonly clientName?: string
    readonly dpopBoundAccessTokens?: boolean
    grantTypeAllowed(type: string): boolean
  }

  export interface Account {
    readonly accountId: string
    claims(use: string, scope: string): Promise<Record<string, unknown>>
  }

  export interface ResourceServerInfo {
    readonly scope: string
    readonly audience: string
    readonly accessTokenTTL: number
    readonly accessTokenFormat: 'jwt' | 'opaque'
    readonly jwt: { readonly sign: { readonly alg: 'ES256' } }
  }
  export class ResourceServer {
    constructor(identifier: string, info: ResourceServerInfo)
    readonly scopes: ReadonlySet<string>
  }

  export class Grant {
    constructor(properties: { accountId: string; clientId: string })
    static find(id: string): Promise<Grant | undefined>
    readonly jti: string
    readonly accountId: string
    readonly clientId: string
    addOIDCScope(scope: string): void
    addResourceScope(resource: string, scope: string): void
    save(): Promise<string>
  }

  export class AccessToken {
    constructor(properties: {
      accountId: string
      client: Client
      grantId: string
      gty: string
      expiresIn?: number
      resourceServer?: ResourceServer
    })
    readonly jti: string
    readonly exp?: number
    readonly grantId?: string
    readonly gty?: string
    readonly accountId: string
    readonly clientId: string
    /** Thumbprint of the key that it is bound to. */
    readonly jkt?: string
    readonly expiration: number
    readonly tokenType: 'DPoP' | 'Bearer'
    scope?: string
    setThumbprint(kind: 'jkt', thumbprint: string): void
    save(): Promise<string>
  }

  export interface Interaction {
    readonly uid: string
    readonly prompt: { readonly name: string }
    readonly params: Readonly<Record<string, unknown>>
  }

  /** The Koa context as oidc-provider extends it. */
  export interface OidcContext {
    readonly req: IncomingMessage
    readonly res: ServerResponse
    type: string
    body: unknown
    status: number
    set(headers: Readonly<Record<string, string>>): void
    readonly oidc: {
      readonly provider: Provider
      readonly client: Client
      readonly account?: Account
      readonly params: Record<string, unknown>
      readonly result?: { readonly login?: { readonly accountId: string } }
      readonly requestParamOIDCScopes: ReadonlySet<string>
      readonly requestParamScopes: ReadonlySet<string>
      readonly resourceServers: Readonly<Record<string, ResourceServer>>
    }
  }

  export interface Check {
    readonly reason: string
  }
  export interface Prompt {
    readonly checks: Check[] & { remove(reason: string): void }
  }
  export const interactionPolicy: { base(): Prompt[] & { get(name: string): Prompt } }

  class ProviderError extends Error {
    constructor(description?: string, detail?: string)
    readonly error: string
    readonly error_description?: string
    readonly statusCode: number
  }
  export const errors: Readonly<
    Record<
      'InvalidGrant' | 'InvalidRequest' | 'InvalidTarget' | 'InvalidScope' | 'InvalidDpopProof' | 'OIDCProviderError',
      typeof ProviderError
    >
  >

  export interface Configuration {
    readonly adapter: (model: string) => Adapter
    readonly jwks: { readonly keys: readonly JWK[] }
    readonly clients: readonly ClientMetadata[]
    readonly clientDefaults: Readonly<Record<string, unknown>>
    readonly cookies: Readonly<Record<string, unknown>>
    readonly claims: Readonly<Record<string, readonly string[]>>
    /** More fields of the metadata documents. */
    readonly discovery?: Readonly<Record<string, unknown>>
    readonly scopes: readonly string[]
    readonly responseTypes: readonly string[]
    readonly clientAuthMethods: readonly string[]
    readonly pkce: { required(context: OidcContext, client: Client): boolean }
    readonly ttl: Readonly<Record<string, (...args: never[]) => number>>
    readonly features: Readonly<Record<string, unknown>>
    readonly interactions: { readonly policy: unknown; url(context: OidcContext, interaction: Interaction): string }
    readonly routes: Readonly<Record<string, string>>
    clientBasedCORS(context: OidcContext, origin: string, client: Client): boolean
    extraTokenClaims(context: OidcContext | undefined, token: AccessToken): Promise<Record<string, unknown> | undefined>
    expiresWithSession(context: OidcContext): Promise<boolean>
    findAccount(context: OidcContext, subject: string): Promise<Account | undefined>
    issueRefreshToken(context: OidcContext, client: Client): Promise<boolean>
    loadExistingGrant(context: OidcContext): Promise<Grant | undefined>
    renderError(context: OidcContext, out: { error: string; error_description?: string }, error: Error): Promise<void>
    rotateRefreshToken(context: OidcContext): boolean
  }

  export class Provider {
    constructor(issuer: string, configuration: Configuration)
    readonly issuer: string
    proxy: boolean
    readonly Grant: typeof Grant
    readonly AccessToken: typeof AccessToken
    readonly ResourceServer: typeof ResourceServer
    readonly Client: { find(id: string): Promise<Client | undefined> }
    callback(): (request: IncomingMessage, response: ServerResponse) => Promise<void>
    registerGrantType(
      name: string,
      handler: (context: OidcContext) => Promise<void>,
      parameters: readonly string[],
      duplicates?: readonly string[],
    ): void
    interactionDetails(request: IncomingMessage, response: ServerResponse): Promise<Interaction>
    interactionFinished(
      request: IncomingMessage,
      response: ServerResponse,
      result: Readonly<Record<string, unknown>>,
      options?: { readonly mergeWithLastSubmission?: boolean },
    ): Promise<void>
    on(event: 'access_token.issued', listener: (token: AccessToken) => void): this
    on(event: 'server_error', listener: (context: OidcContext, error: Error) => void): this
  }
}

/** Documented for the authors of custom grants: README, "Custom Grant Types". */
declare module 'oidc-provider/lib/helpers/validate_dpop.js' {
  import type { OidcContext, Provider } from 'oidc-provider'

  interface DpopProof {
    readonly thumbprint: string
    readonly jti: string
    readonly iat: number
  }
  /** The verified proof of the `DPoP` header (RFC 9449 §4.3), or undefined where there is none. */
  export default function validateDpop(provider: Provider, context: OidcContext): Promise<DpopProof | undefined>
  export function checkDpopReplay(
    provider: Provider,
    context: OidcContext,
    proof: DpopProof,
    clientId: string,
  ): Promise<void>
}
