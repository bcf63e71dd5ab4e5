import * as vscode from 'vscode'
import type { Catalog, CatalogState } from '../catalog/types.ts'
import type { Connections } from '../connections/types.ts'
import type { Plans } from '../plans/types.ts'
import type { Session, SessionState } from '../session/types.ts'
import type { Lazy } from './lazy.ts'
import { explain } from './errors.ts'
import { decidableSteps, plansState } from './plan-view.ts'
import type { PlansView } from './plans-view.ts'
import { serverNodes, serversView } from './server-nodes.ts'
import type { ServersTree } from './servers-tree.ts'
import type { StatusBar } from './status-bar.ts'
import { statusView } from './status-view.ts'
import type { WaitingNotice } from './waiting-notice.ts'

export interface Parts {
  readonly session: Lazy<Session>
  readonly catalog: Lazy<Catalog>
  readonly plans: Lazy<Plans>
  readonly connections: Lazy<Connections>
}

export interface Surfaces {
  readonly statusBar: StatusBar
  readonly tree: ServersTree
  readonly plansView: PlansView
  readonly notice: WaitingNotice
}

export interface Presenter {
  subject(): string | undefined
  titleOf(server: string): string | undefined
  /** The session could not be made: says why in its place. */
  unusable(reason: string): void
}

/** Keeps everything that is on screen in step with what is so: one function from state to views, run when any part changes. */
export function present(parts: Parts, surfaces: () => Surfaces): Presenter {
  let fault: SessionState | undefined
  let queued = false
  const setContext = createContexts()
  const sessionState = (): SessionState => parts.session.peek()?.state() ?? fault ?? { kind: 'restoring' }
  const catalogState = (): CatalogState => parts.catalog.peek()?.state() ?? { kind: 'loading' }
  const titleOf = (id: string): string | undefined => titleIn(catalogState(), id)
  const subject = (): string | undefined => {
    const state = sessionState()
    return state.kind === 'signed-in' ? state.account.subject : undefined
  }
  const render = (): void => {
    queued = false
    const session = sessionState()
    const catalog = catalogState()
    const entries = parts.plans.peek()?.entries() ?? []
    const waiting = decidableSteps(entries, subject())
    const { statusBar, tree, plansView, notice } = surfaces()
    statusBar.show(statusView(session, catalog, waiting.length))
    tree.show(
      session.kind === 'signed-in'
        ? serverNodes(catalog, (id) => parts.connections.peek()?.health(id) ?? { kind: 'idle' })
        : [],
      session.kind === 'signed-in' && catalog.kind === 'unavailable' ? explain(catalog.problem.code).title : undefined,
    )
    plansView.show(plansState(entries, { now: Date.now(), subject: subject(), titleOf }))
    notice.update(waiting)
    setContext('gatehouse.view', serversView(session, catalog))
    setContext('gatehouse.signedIn', session.kind === 'signed-in')
    setContext('gatehouse.signInEnds', session.kind === 'signed-in' && session.endsAt !== undefined)
    setContext('gatehouse.pending', waiting.length)
  }
  /** Changes that come together are drawn once. */
  const queue = (): void => {
    if (queued) return
    queued = true
    setImmediate(render)
  }
  /** Draws now that the part is there, and whenever it changes. */
  const follow = (part: { onChange(listener: () => void): unknown }): void => {
    part.onChange(queue)
    queue()
  }
  parts.session.whenReady(follow)
  parts.catalog.whenReady(follow)
  parts.plans.whenReady(follow)
  parts.connections.whenReady(follow)
  queue()
  return {
    subject,
    titleOf,
    unusable(reason) {
      fault = { kind: 'signed-out', reason }
      queue()
    },
  }
}

function titleIn(catalog: CatalogState, id: string): string | undefined {
  if (catalog.kind !== 'ready') return undefined
  for (const listed of catalog.servers) {
    if (listed.access === 'allowed' && listed.record.id === id) return listed.record.title
    if (listed.access === 'denied' && listed.id === id) return listed.title
  }
  return undefined
}

/** Context keys, for `when` clauses; the editor is told only of changes. */
function createContexts(): (key: string, value: unknown) => void {
  const known = new Map<string, unknown>()
  return (key, value) => {
    if (known.get(key) === value) return
    known.set(key, value)
    void vscode.commands.executeCommand('setContext', key, value)
  }
}
