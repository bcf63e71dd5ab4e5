import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import * as oauth from 'oauth4webapi'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { verifies } from '../requirements.ts'
import { authorize, signIn } from './flow.ts'
import { authorizeUrl, Browser, newDevice, REDIRECT, REGISTRY, requestToken, startForTest } from './support.ts'

let identity: Awaited<ReturnType<typeof startForTest>>
beforeAll(async () => {
  identity = await startForTest()
})
afterAll(() => identity.stop())

/** Opens the authorization endpoint and tells where, or what, it answered. */
async function open(challenge: string | undefined, overrides: Record<string, string> = {}) {
  const { url, response } = await new Browser(identity.url).open(authorizeUrl(identity.url, challenge, overrides))
  return { parameters: new URL(url).searchParams, status: response?.status, text: await response?.text() }
}

describe('metadata', () => {
  test('stands at both well-known addresses, with the issuer, PKCE, DPoP, exchange and RFC 9207', async () => {
    verifies('AUTH-1.1')
    for (const path of ['oauth-authorization-server', 'openid-configuration']) {
      const response = await fetch(`${identity.url}/.well-known/${path}`)
      expect(await response.json()).toMatchObject({
        issuer: identity.url,
        code_challenge_methods_supported: ['S256'],
        dpop_signing_alg_values_supported: expect.arrayContaining(['ES256']) as unknown,
        grant_types_supported: expect.arrayContaining(['urn:ietf:params:oauth:grant-type:token-exchange']) as unknown,
        authorization_response_iss_parameter_supported: true,
        revocation_endpoint: `${identity.url}/revoke`,
      })
    }
  })

  test('does not follow a forged Host header', async () => {
    const response = await fetch(`${identity.url}/.well-known/openid-configuration`, {
      headers: { 'x-forwarded-host': 'evil.test', 'x-forwarded-proto': 'https' },
    })
    expect(await response.json()).toMatchObject({ token_endpoint: `${identity.url}/token` })
  })
})

describe('authorization code flow', () => {
  test('an independent client library signs in with PKCE and DPoP and gets an at+jwt with groups', async () => {
    verifies('AUTH-1.2', 'AUTH-6.1')
    const insecure = { [oauth.allowInsecureRequests]: true }
    const issuer = new URL(identity.url)
    const as = await oauth.processDiscoveryResponse(
      issuer,
      await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure }),
    )
    const client: oauth.Client = { client_id: 'gatehouse-vscode' }
    const dpop = oauth.DPoP(client, await oauth.generateKeyPair('ES256'))
    const { redirect, verifier } = await authorize(identity.url, 'ada')
    const parameters = oauth.validateAuthResponse(as, client, redirect, 'the-state')
    const response = await oauth.authorizationCodeGrantRequest(
      as,
      client,
      oauth.None(),
      parameters,
      REDIRECT,
      verifier,
      {
        DPoP: dpop,
        ...insecure,
      },
    )
    const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, { requireIdToken: true })
    expect(tokens.token_type).toBe('dpop')
    expect(tokens.refresh_token).toBeDefined()
    expect(oauth.getValidatedIdTokenClaims(tokens)).toMatchObject({ sub: 'ada', name: 'Ada Adeyemi', groups: ['ads'] })

    const keys = createRemoteJWKSet(new URL(String(as.jwks_uri)))
    const { payload, protectedHeader } = await jwtVerify(tokens.access_token, keys, {
      issuer: identity.url,
      audience: REGISTRY,
      typ: 'at+jwt',
      algorithms: ['ES256'],
    })
    expect(protectedHeader.alg).toBe('ES256')
    expect(payload).toMatchObject({
      sub: 'ada',
      client_id: 'gatehouse-vscode',
      scope: 'mcp',
      groups: ['ads'],
      name: 'Ada Adeyemi',
      cnf: { jkt: await dpop.calculateThumbprint() },
    })
    expect(payload.jti).toBeDefined()
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(600)
  })

  test('the response carries state and iss', async () => {
    verifies('AUTH-1.2')
    const { redirect } = await authorize(identity.url, 'finn')
    expect(redirect.searchParams.get('state')).toBe('the-state')
    expect(redirect.searchParams.get('iss')).toBe(identity.url)
  })

  test.each([
    'http://127.0.0.1:1/callback',
    'http://127.0.0.1:65000/callback',
    'vscode://gatehouse.gatehouse/callback',
    'vscode-insiders://gatehouse.gatehouse/callback',
    'code-oss://gatehouse.gatehouse/callback',
  ])('the editor may be reached at %s', async (redirect) => {
    verifies('AUTH-1.3')
    const reply = await signIn(identity.url, 'ada', await newDevice(), { redirect_uri: redirect })
    expect(reply.status).toBe(200)
  })

  test('every sign-in asks for the person again', async () => {
    const browser = new Browser(identity.url)
    const challenge = await oauth.calculatePKCECodeChallenge(oauth.generateRandomCodeVerifier())
    for (const user of ['ada', 'finn']) {
      const page = await browser.open(authorizeUrl(identity.url, challenge))
      expect(new URL(page.url).pathname).toMatch(/^\/interaction\//)
      const done = await browser.open(`${page.url}/sign-in`, { user, password: 'gatehouse' })
      expect(new URL(done.url).searchParams.get('code')).toBeTruthy()
    }
  })

  test('the command line client gets a plain bearer token', async () => {
    const reply = await signIn(identity.url, 'ada', undefined, { client_id: 'gatehouse-cli' })
    expect(reply.body).toMatchObject({ token_type: 'Bearer' })
    expect(decodeProtectedHeader(String(reply.body['access_token'])).typ).toBe('at+jwt')
  })
})

describe('refusals', () => {
  test('no PKCE', async () => {
    verifies('AUTH-1.2')
    const { parameters } = await open(undefined)
    expect(parameters.get('error')).toBe('invalid_request')
    expect(parameters.get('code')).toBeNull()
  })

  test('PKCE by the plain method', async () => {
    const { parameters } = await open('x'.repeat(43), { code_challenge_method: 'plain' })
    expect(parameters.get('error')).toBe('invalid_request')
  })

  test.each([
    'https://evil.test/callback',
    'http://127.0.0.1:45123/elsewhere',
    'vscode://evil.extension/callback',
    'http://localhost:45123/callback',
  ])('redirect to %s: a page, never a redirect', async (redirect) => {
    verifies('AUTH-1.4')
    const { status, text } = await open('x'.repeat(43), { redirect_uri: redirect })
    expect(status).toBe(400)
    expect(text).toContain('invalid_redirect_uri')
  })

  test('an unknown client', async () => {
    const { status, text } = await open('x'.repeat(43), { client_id: '<script>alert(1)</script>' })
    expect(status).toBe(400)
    expect(text).not.toContain('<script>alert')
  })

  test('a resource that is not an absolute URI, or has a fragment', async () => {
    for (const resource of ['registry', `${REGISTRY}/#x`]) {
      const { parameters } = await open('x'.repeat(43), { resource })
      expect(parameters.get('error')).toBe('invalid_target')
    }
  })

  test('the editor without a DPoP proof', async () => {
    verifies('AUTH-6.1')
    const reply = await signIn(identity.url, 'ada', undefined)
    expect(reply.status).toBe(400)
    expect(reply.body).toMatchObject({ error: 'invalid_grant' })
  })

  test('a proof that was used before', async () => {
    verifies('AUTH-6.1')
    const device = await newDevice()
    const proof = await device.proof(`${identity.url}/token`)
    const again = { ...device, proof: async () => proof }
    expect((await signIn(identity.url, 'ada', again)).status).toBe(200)
    expect((await signIn(identity.url, 'ada', again)).status).toBe(400)
  })

  test('a proof for another address', async () => {
    const device = await newDevice()
    const reply = await signIn(identity.url, 'ada', { ...device, proof: () => device.proof('https://evil.test/token') })
    expect(reply.body).toMatchObject({ error: 'invalid_dpop_proof' })
  })

  test('a wrong code verifier, and a code used twice, which ends the sign-in', async () => {
    const { redirect, verifier } = await authorize(identity.url, 'ada')
    const device = await newDevice()
    const form = {
      grant_type: 'authorization_code',
      client_id: 'gatehouse-vscode',
      code: redirect.searchParams.get('code') ?? '',
      redirect_uri: REDIRECT,
    }
    const wrong = await requestToken(identity.url, { ...form, code_verifier: 'y'.repeat(43) }, device)
    expect(wrong.body).toMatchObject({ error: 'invalid_grant' })
    const first = await requestToken(identity.url, { ...form, code_verifier: verifier }, device)
    expect(first.status).toBe(200)
    const second = await requestToken(identity.url, { ...form, code_verifier: verifier }, device)
    expect(second.body).toMatchObject({ error: 'invalid_grant' })
    const refresh = {
      grant_type: 'refresh_token',
      client_id: 'gatehouse-vscode',
      refresh_token: String(first.body['refresh_token']),
    }
    expect((await requestToken(identity.url, refresh, device)).body).toMatchObject({ error: 'invalid_grant' })
  })
})
