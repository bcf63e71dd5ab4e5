/** Attacks on the way to a token: not on a server, so not in these tables. Each is shown by the test of this title. */
export const ELSEWHERE: readonly {
  readonly attack: string
  /** Below `test/`. */
  readonly file: string
  readonly title: string
}[] = [
  {
    attack: 'authorization-server mix-up: the answer of another issuer',
    file: 'session/hostile-answers.test.ts',
    title: 'with another issuer is refused even where the provider does not promise to name itself',
  },
  {
    attack: 'authorization-server mix-up: the registry names another issuer later',
    file: 'session/session.test.ts',
    title: 'a registry that names another issuer later: nothing of the old one is sent there',
  },
  {
    attack: 'authorization-server mix-up: metadata of another issuer',
    file: 'session/discovery.test.ts',
    title: 'issuer metadata with %s is refused',
  },
  {
    attack: 'open redirect at the identity provider',
    file: 'identity/code-flow.test.ts',
    title: 'redirect to %s: a page, never a redirect',
  },
  {
    attack: 'open redirect by a client that registers itself',
    file: 'identity/registration.test.ts',
    title: 'whatever is sent, a client that is registered comes back to this machine or the editor',
  },
  {
    attack: 'stolen code without its verifier, at the client',
    file: 'session/session.test.ts',
    title: 'a code that was fetched for another verifier is refused',
  },
  {
    attack: 'stolen code without its verifier, and code replay, at the identity provider',
    file: 'identity/code-flow.test.ts',
    title: 'a wrong code verifier, and a code used twice, which ends the sign-in',
  },
  {
    attack: 'stolen code, to be bound to another key',
    file: 'identity/code-flow.test.ts',
    title: 'the editor without a DPoP proof',
  },
  {
    attack: 'CSRF on the redirect: an answer that nobody asked for',
    file: 'session/hostile-answers.test.ts',
    title: 'the answer of a sign-in page',
  },
  {
    attack: 'CSRF on the redirect: the answer of an earlier sign-in',
    file: 'session/hostile-answers.test.ts',
    title: 'of an earlier sign-in is not that of a later one',
  },
  {
    attack: 'CSRF on the sign-in page',
    file: 'identity/pages.test.ts',
    title: 'another browser, or another site, cannot answer it',
  },
  {
    attack: 'SSRF: private addresses',
    file: 'access/session-attacks.test.ts',
    title: '%s: is asked by https for its metadata, with nothing of the person’s, and no further',
  },
  {
    attack: 'SSRF: addresses of this machine and addresses in the clear',
    file: 'access/session-attacks.test.ts',
    title: '%s: is not asked at all',
  },
  { attack: 'SSRF: redirects', file: 'access/session-attacks.test.ts', title: 'that redirects (%i) is not followed' },
  {
    attack: 'SSRF: huge documents',
    file: 'access/session-attacks.test.ts',
    title: 'of 50 MB is left after its first megabyte',
  },
  {
    attack: 'SSRF: slow documents',
    file: 'access/session-attacks.test.ts',
    title: 'that comes byte by byte is given up, however steadily it comes',
  },
  {
    attack: 'SSRF: compressed documents',
    file: 'http/bounded-fetch.test.ts',
    title: 'does not read more than the limit, compressed or not',
  },
  {
    attack: 'a challenge that leads elsewhere',
    file: 'session/any-provider.test.ts',
    title: 'of a company nothing goes without a token, and no challenge leads anywhere',
  },
  {
    attack: 'a token that is sent on to another address',
    file: 'session/session.test.ts',
    title: 'a token never leaves for another address',
  },
  {
    attack: 'refresh token replay',
    file: 'identity/refresh.test.ts',
    title: 'a refresh token used twice ends the sign-in, for the newer token too',
  },
]
