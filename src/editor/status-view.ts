import type { CatalogState } from '../catalog/types.ts'
import type { SessionState } from '../session/types.ts'
import { timeOf } from './sign-in-notice.ts'

/** What the status bar item shows, as data. */
export interface StatusView {
  readonly text: string
  readonly tooltip: string
  readonly command: string
  readonly tone: 'plain' | 'warning' | 'error'
}

/** The most pressing fact wins: a person asked for, then what is closed, then where things stand. */
export function statusView(session: SessionState, catalog: CatalogState, pending: number): StatusView {
  if (session.kind === 'restoring') return plain('$(shield) Gatehouse', 'Starting…', 'gatehouse.servers.focus')
  if (session.kind === 'signing-in') {
    return plain(
      '$(loading~spin) Gatehouse: signing in',
      'Finish signing in in your browser, or paste the code it shows.',
      'gatehouse.pasteCode',
    )
  }
  if (session.kind === 'signed-out') {
    const why = session.reason === undefined ? '' : `${session.reason}\n`
    return plain(
      '$(key) Gatehouse: sign in',
      `${why}Sign in to use your company's approved servers.`,
      'gatehouse.signIn',
    )
  }
  if (pending > 0) {
    const steps = pending === 1 ? '1 step waits' : `${pending} steps wait`
    return {
      text: `$(bell-dot) Gatehouse: ${pending} to approve`,
      tooltip: `${steps} for your approval.`,
      command: 'gatehouse.showPlans',
      tone: 'warning',
    }
  }
  if (session.endsAt !== undefined) {
    return {
      text: '$(clock) Gatehouse: sign-in ends',
      tooltip: `Your sign-in ends at ${timeOf(session.endsAt)} and cannot be renewed without you. Click to sign in again.`,
      command: 'gatehouse.signIn',
      tone: 'warning',
    }
  }
  switch (catalog.kind) {
    case 'unavailable':
      return {
        text: '$(error) Gatehouse: unavailable',
        tooltip: `${catalog.problem.message}\nEvery server is closed until the registry answers. Click to try again.`,
        command: 'gatehouse.refresh',
        tone: 'error',
      }
    case 'ready':
      if (catalog.problem) {
        const until = new Date(catalog.expiresAt).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' })
        return {
          text: '$(warning) Gatehouse: offline',
          tooltip: `${catalog.problem.message}\nThe list fetched before is valid until ${until}. Click to try again.`,
          command: 'gatehouse.refresh',
          tone: 'warning',
        }
      }
      return plain('$(shield) Gatehouse', readyWords(session.account.name, catalog.servers), 'gatehouse.servers.focus')
    case 'signed-out':
    case 'loading':
      return plain('$(loading~spin) Gatehouse', 'Fetching the approved servers…', 'gatehouse.servers.focus')
  }
}

function plain(text: string, tooltip: string, command: string): StatusView {
  return { text, tooltip, command, tone: 'plain' }
}

function readyWords(name: string, servers: readonly { access: string }[]): string {
  const allowed = servers.filter((server) => server.access === 'allowed').length
  return `Signed in as ${name}. ${allowed === 1 ? '1 server' : `${allowed} servers`} approved for you.`
}
