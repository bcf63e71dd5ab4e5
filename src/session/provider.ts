import type { Challenge } from './challenge.ts'
import { chooseClient, type ClientIdentity, type RegisteredClient } from './client-identity.ts'
import type { BoundKey } from './device-key.ts'
import { discover, type Discovery } from './discovery.ts'
import type { SignInPolicy } from './policy.ts'
import { openTokenEndpoint, type TokenEndpoint } from './token-endpoint.ts'
import type { Vault } from './vault.ts'

export interface ProviderOptions {
  readonly registry: string
  readonly policy: SignInPolicy
  readonly client: RegisteredClient | undefined
  readonly clientMetadataUrl: string | undefined
  readonly vault: Vault
  /** A bounded one. */
  readonly fetch: typeof fetch
  readonly now: () => number
}

/** The identity provider that a registry names at this moment, and who we are to it. */
export class Provider {
  /** Of the registry's latest 401. */
  challenge: Challenge | undefined

  constructor(readonly options: ProviderOptions) {}

  /** @throws SessionError */
  discover(signal?: AbortSignal): Promise<Discovery> {
    const { registry, policy, fetch } = this.options
    return discover(registry, fetch, { policy, hint: this.challenge?.metadata, ...(signal ? { signal } : {}) })
  }

  /** What a registration gives is kept for this issuer alone. @throws SessionError */
  async clientFor(discovery: Discovery, redirectUri: string): Promise<ClientIdentity> {
    const { policy, client: registered, clientMetadataUrl: metadataUrl, vault, fetch } = this.options
    const known = await vault.client(discovery.issuer)
    const sources = { discovery, policy, registered, metadataUrl, known, redirectUri, fetch }
    const { client, isNew } = await chooseClient(sources)
    if (isNew) await vault.saveClient(discovery.issuer, client)
    return client
  }

  open(discovery: Discovery, client: ClientIdentity, key: BoundKey): Promise<TokenEndpoint> {
    const { policy, fetch, now } = this.options
    return openTokenEndpoint({
      server: discovery.server,
      resource: discovery.resource,
      client,
      policy,
      key,
      fetch,
      now,
    })
  }
}
