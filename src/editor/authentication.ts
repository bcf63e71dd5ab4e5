import * as vscode from 'vscode'
import type { Catalog } from '../catalog/types.ts'
import type { Account, Session } from '../session/types.ts'
import type { Lazy } from './lazy.ts'
import type { SignIn } from './sign-in.ts'

const PROVIDER = 'gatehouse'

/** No approved server of that name, or none for this person. */
class UnknownScopeError extends Error {
  readonly code = 'server_not_allowed'
}

/**
 * The sign-in in the editor's Accounts menu, and for other extensions (AUTH-4). A scope is the id of one approved server, and gives a
 * token for that server alone; without a scope the session says who the person is and carries no token. Tokens are bound to the device
 * key (RFC 9449), so they are of use only to who can have a proof made.
 */
export function registerAuthentication(options: {
  session: Lazy<Session>
  catalog: Lazy<Catalog>
  signIn: SignIn
}): vscode.Disposable {
  const changed = new vscode.EventEmitter<vscode.AuthenticationProviderAuthenticationSessionsChangeEvent>()
  let shown: vscode.AuthenticationSession | undefined
  options.session.whenReady((session) => {
    const follow = () => {
      const account = accountOf(session)
      const now = account && withoutToken(account)
      if (now?.id === shown?.id) return
      changed.fire({ added: now ? [now] : [], removed: shown ? [shown] : [], changed: [] })
      shown = now
    }
    session.onChange(follow)
    follow()
  })
  const sessionFor = async (account: Account, scopes: readonly string[]): Promise<vscode.AuthenticationSession> => {
    const [scope, ...more] = scopes
    if (scope === undefined) return withoutToken(account)
    const catalog = await options.catalog.get()
    if (catalog.state().kind === 'loading') await catalog.refresh()
    const server = more.length === 0 ? catalog.find(scope) : undefined
    if (!server)
      throw new UnknownScopeError(
        `the scope of a Gatehouse session is the id of one approved server; "${scopes.join(' ')}" is not`,
      )
    const { token } = await (await options.session.get()).tokenFor(server.record.url)
    return { ...withoutToken(account), id: sessionId(account, scopes), accessToken: token, scopes }
  }
  const provider: vscode.AuthenticationProvider = {
    onDidChangeSessions: changed.event,
    async getSessions(scopes, { account: wanted }) {
      const session = await options.session.get()
      await session.restored
      const account = accountOf(session)
      if (!account || (wanted && wanted.id !== account.subject)) return []
      return [await sessionFor(account, scopes ?? [])]
    },
    createSession: async (scopes) => sessionFor(await options.signIn.run(), scopes),
    removeSession: async () => (await options.session.get()).signOut(),
  }
  return vscode.Disposable.from(
    changed,
    vscode.authentication.registerAuthenticationProvider(PROVIDER, 'Gatehouse', provider, {
      supportsMultipleAccounts: false,
    }),
  )
}

function accountOf(session: Session): Account | undefined {
  const state = session.state()
  return state.kind === 'signed-in' ? state.account : undefined
}

function sessionId(account: Account, scopes: readonly string[]): string {
  return [account.issuer, account.subject, ...scopes].join('|')
}

function withoutToken(account: Account): vscode.AuthenticationSession {
  return {
    id: sessionId(account, []),
    accessToken: '',
    account: { id: account.subject, label: account.name },
    scopes: [],
  }
}
