import type { OAuthClientInformationMixed, OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js'
import { Browser } from '../../support/browser.ts'

/**
 * What both official SDKs ask of an application that signs people in: it keeps what it is given, and opens the authorization page, where
 * the person signs in at once. Discovery, registration, PKCE and the exchange of the code are the SDK's own.
 */
export class SignIn {
  readonly redirectUrl = 'http://127.0.0.1:41999/callback'
  readonly clientMetadata = {
    client_name: 'An application of somebody else',
    redirect_uris: [this.redirectUrl],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
  }
  /** Where the person's browser was sent in the end: the redirect URI with the answer. */
  answer: URL | undefined
  authorization: URL | undefined
  #client: OAuthClientInformationMixed | undefined
  #tokens: OAuthTokens | undefined
  #verifier = ''

  constructor(private readonly user: string) {}

  clientInformation(): OAuthClientInformationMixed | undefined {
    return this.#client
  }
  saveClientInformation(client: OAuthClientInformationMixed): void {
    this.#client = client
  }
  tokens(): OAuthTokens | undefined {
    return this.#tokens
  }
  saveTokens(tokens: OAuthTokens): void {
    this.#tokens = tokens
  }
  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier
  }
  codeVerifier(): string {
    return this.#verifier
  }
  async redirectToAuthorization(url: URL): Promise<void> {
    this.authorization = url
    this.answer = new URL(await new Browser().signIn(url.href, this.user))
  }
}
