import type { SessionOptions } from '../../src/session/options.ts'
import { createSession } from '../../src/session/session.ts'
import { loopbackRedirect } from '../../src/session/redirect/loopback.ts'
import type { SecretStore, Session } from '../../src/session/types.ts'
import { Browser } from './browser.ts'

/** A secret store in memory, shared by the windows of one test as a keychain is; tells of no changes, like a keychain. */
export class MemoryStore implements SecretStore {
  readonly label = 'memory'
  readonly entries = new Map<string, string>()
  async get(key: string): Promise<string | undefined> {
    return this.entries.get(key)
  }
  async set(key: string, value: string): Promise<void> {
    this.entries.set(key, value)
  }
  async delete(key: string): Promise<void> {
    this.entries.delete(key)
  }
}

export interface Window {
  readonly session: Session
  /** Signs in by the loopback redirect with a browser of its own. */
  readonly signIn: (user: string) => ReturnType<Session['signIn']>
  /** Everything the session has logged. */
  readonly logged: string[]
}

/** One editor window on a store and a folder that it may share with others. */
export function openWindow(
  options: Partial<SessionOptions> & Pick<SessionOptions, 'registryUrl' | 'folder' | 'secrets'>,
): Window {
  const logged: string[] = []
  let user = 'ada'
  const session = createSession({
    redirects: () => loopbackRedirect(),
    openExternal: async (url) => {
      void new Browser().signIn(url, user).then((answer) => fetch(answer))
      return true
    },
    log: { info: (message) => logged.push(message), warn: (message) => logged.push(message) },
    ...options,
  })
  return {
    session,
    logged,
    signIn: (name) => {
      user = name
      return session.signIn(AbortSignal.timeout(20_000))
    },
  }
}
