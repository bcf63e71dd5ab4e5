import { calculatePKCECodeChallenge, generateRandomCodeVerifier } from 'oauth4webapi'
import { authorizeUrl, Browser, type Device, REDIRECT, requestToken, type TokenReply } from './support.ts'

export interface Authorized {
  readonly redirect: URL
  readonly verifier: string
}

/** Opens the authorization page and signs in as `user`; the answer is where the browser was sent then. */
export async function authorize(
  issuer: string,
  user: string,
  overrides: Record<string, string> = {},
): Promise<Authorized> {
  const verifier = generateRandomCodeVerifier()
  const browser = new Browser(issuer)
  const page = await browser.open(authorizeUrl(issuer, await calculatePKCECodeChallenge(verifier), overrides))
  const { url } = await browser.open(`${page.url}/sign-in`, { user, password: 'gatehouse' })
  return { redirect: new URL(url), verifier }
}

/** The whole sign-in, by hand. */
export async function signIn(
  issuer: string,
  user: string,
  device: Device | undefined,
  overrides: Record<string, string> = {},
): Promise<TokenReply> {
  const { redirect, verifier } = await authorize(issuer, user, overrides)
  return requestToken(
    issuer,
    {
      grant_type: 'authorization_code',
      client_id: overrides['client_id'] ?? 'gatehouse-vscode',
      code: redirect.searchParams.get('code') ?? '',
      redirect_uri: overrides['redirect_uri'] ?? REDIRECT,
      code_verifier: verifier,
    },
    device,
  )
}
