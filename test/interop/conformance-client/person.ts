import { loopbackRedirect } from '../../../src/session/redirect/loopback.ts'
import type { RegisteredClient } from '../../../src/session/client-identity.ts'
import type { SignInPolicy } from '../../../src/session/policy.ts'
import { createSession } from '../../../src/session/session.ts'
import type { Session, SessionState } from '../../../src/session/types.ts'
import { MemoryStore } from '../../support/session-window.ts'

/** What MCP asks of every client; the company's own policy asks for more (src/session/policy.ts). */
const ANY_PROVIDER: SignInPolicy = {
  binding: 'where-offered',
  identity: 'unknown',
  registration: 'dynamic',
  discovery: 'challenge',
  audience: 'unchecked',
}

/** The suite accepts no other (SEP-991). */
const CLIENT_METADATA_URL = 'https://conformance-test.local/client-metadata.json'

export interface PersonOptions {
  readonly url: string
  readonly folder: string
  readonly registered: RegisteredClient | undefined
  /** As a company has it, nothing but bound tokens is taken. */
  readonly bound: boolean
  readonly log: (line: string) => void
}

/** A person at the extension's own session, whose browser goes where it is sent: the suite's sign-in page asks nothing. */
export function personSigningIn(options: PersonOptions): Session {
  const { url, folder, registered, bound, log } = options
  return createSession({
    registryUrl: url,
    folder,
    secrets: new MemoryStore(),
    policy: bound ? { ...ANY_PROVIDER, binding: 'required' } : ANY_PROVIDER,
    clientMetadataUrl: CLIENT_METADATA_URL,
    ...(registered ? { client: registered } : {}),
    redirects: () => loopbackRedirect(),
    openExternal: async (page) => {
      log(`browser: ${new URL(page).origin}`)
      void fetch(page).then((response) => response.text())
      return true
    },
    log: { info: log, warn: log },
  })
}

/** A person who is signed in already, at a server that takes everyone: there are no tokens. */
export function personWithoutTokens(send: typeof fetch): Session {
  const state: SessionState = {
    kind: 'signed-in',
    account: { subject: 'ada', name: 'Ada', groups: [], issuer: 'https://issuer.example' },
  }
  const none = (): Promise<never> => Promise.reject(new Error('this person has no tokens'))
  return {
    restored: Promise.resolve(),
    clientId: () => 'gatehouse-vscode',
    state: () => state,
    onChange: () => () => undefined,
    signIn: async () => state.account,
    signOut: async () => undefined,
    tokenFor: none,
    forget: () => undefined,
    deviceKey: none,
    fetchFor: () => send,
    dispose: () => undefined,
  }
}
