import type { AuthorizationServer } from 'oauth4webapi'
import { describe, expect, test } from 'vitest'
import { authorize } from '../../src/session/authorization.ts'
import { verifies } from '../requirements.ts'

const issuer = 'https://id.example'
const server: AuthorizationServer = {
  issuer,
  authorization_endpoint: `${issuer}/auth`,
  token_endpoint: `${issuer}/token`,
  authorization_response_iss_parameter_supported: true,
}
const start = (change: Partial<AuthorizationServer> = {}) =>
  authorize({
    server: { ...server, ...change },
    clientId: 'gatehouse-vscode',
    redirectUri: 'http://127.0.0.1:1/callback',
    resource: 'https://registry.example',
    scopes: ['openid'],
    keyThumbprint: undefined,
  })
const stateOf = (url: string) => new URL(url).searchParams.get('state') ?? ''

describe('the answer of a sign-in page', () => {
  test.each<[string, (state: string) => [string, string][], string]>([
    ['without a state', () => [['iss', issuer]], 'state_mismatch'],
    [
      'with an empty state',
      () => [
        ['state', ''],
        ['iss', issuer],
      ],
      'state_mismatch',
    ],
    [
      'with another state',
      () => [
        ['state', 'x'.repeat(43)],
        ['iss', issuer],
      ],
      'state_mismatch',
    ],
    [
      'with the state of another case',
      (state) => [
        ['state', state.toUpperCase() === state ? state.toLowerCase() : state.toUpperCase()],
        ['iss', issuer],
      ],
      'state_mismatch',
    ],
    [
      'with a state that goes on',
      (state) => [
        ['state', `${state}0`],
        ['iss', issuer],
      ],
      'state_mismatch',
    ],
    [
      'with a state that is cut',
      (state) => [
        ['state', state.slice(0, -1)],
        ['iss', issuer],
      ],
      'state_mismatch',
    ],
    [
      'with the state and then another',
      (state) => [
        ['state', state],
        ['state', 'forged'],
        ['iss', issuer],
      ],
      'state_mismatch',
    ],
    [
      'with the state twice',
      (state) => [
        ['state', state],
        ['state', state],
        ['iss', issuer],
      ],
      'state_mismatch',
    ],
    ['without an issuer', (state) => [['state', state]], 'issuer_mismatch'],
    [
      'with another issuer',
      (state) => [
        ['state', state],
        ['iss', 'https://evil.example'],
      ],
      'issuer_mismatch',
    ],
    [
      'with the issuer and a slash',
      (state) => [
        ['state', state],
        ['iss', `${issuer}/`],
      ],
      'issuer_mismatch',
    ],
    [
      'with the issuer in capitals',
      (state) => [
        ['state', state],
        ['iss', 'https://ID.example'],
      ],
      'issuer_mismatch',
    ],
    [
      'with the issuer and its port',
      (state) => [
        ['state', state],
        ['iss', `${issuer}:443`],
      ],
      'issuer_mismatch',
    ],
    [
      'with an issuer whose name begins as ours',
      (state) => [
        ['state', state],
        ['iss', `${issuer}.evil.example`],
      ],
      'issuer_mismatch',
    ],
    [
      'with the issuer and then another',
      (state) => [
        ['state', state],
        ['iss', issuer],
        ['iss', 'https://evil.example'],
      ],
      'issuer_mismatch',
    ],
    [
      'with an error of another issuer',
      (state) => [
        ['state', state],
        ['iss', 'https://evil.example'],
        ['error', 'access_denied'],
      ],
      'issuer_mismatch',
    ],
    [
      'with an error of another sign-in',
      () => [
        ['state', 'x'],
        ['iss', issuer],
        ['error', 'access_denied'],
      ],
      'state_mismatch',
    ],
    [
      'with a code and a refusal',
      (state) => [
        ['state', state],
        ['iss', issuer],
        ['error', 'access_denied'],
      ],
      'sign_in_cancelled',
    ],
    [
      'with an error of markup',
      (state) => [
        ['state', state],
        ['iss', issuer],
        ['error', '<script>alert(1)</script>'],
      ],
      'sign_in_refused',
    ],
    [
      'with the code twice',
      (state) => [
        ['state', state],
        ['iss', issuer],
        ['code', 'second'],
      ],
      'response_invalid',
    ],
  ])('%s is refused', async (_name, parameters, code) => {
    verifies('AUTH-1.2', 'AUTH-1.4')
    const sent = await start()
    const failure = sent.check(new URLSearchParams([['code', 'code'], ...parameters(stateOf(sent.url))]))
    await expect(failure).rejects.toMatchObject({ code })
    await expect(failure).rejects.not.toThrow('<script>')
  })

  test('with another issuer is refused even where the provider does not promise to name itself', async () => {
    verifies('AUTH-1.2')
    const sent = await start({ authorization_response_iss_parameter_supported: false })
    const answer = new URLSearchParams({ code: 'code', state: stateOf(sent.url), iss: 'https://evil.example' })
    await expect(sent.check(answer)).rejects.toMatchObject({ code: 'issuer_mismatch' })
  })

  test('of an earlier sign-in is not that of a later one', async () => {
    verifies('AUTH-1.2')
    const [first, second] = await Promise.all([start(), start()])
    expect(stateOf(first.url)).not.toBe(stateOf(second.url))
    const answer = new URLSearchParams({ code: 'code', state: stateOf(first.url), iss: issuer })
    await expect(second.check(answer)).rejects.toMatchObject({ code: 'state_mismatch' })
    expect((await first.check(answer)).get('code')).toBe('code')
  })
})
