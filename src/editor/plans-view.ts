import * as vscode from 'vscode'
import { PlansRequest, type PlansState } from '../messages.ts'
import type { Log } from './log.ts'
import { preparePage, receiveFrom } from './webview-page.ts'

export interface PlansView extends vscode.Disposable {
  readonly visible: boolean
  show(state: PlansState): void
  /** Brings the view to the front. The focus goes to the view, never to a button in it. */
  reveal(this: void): Promise<void>
}

export interface PlansViewOptions {
  readonly extensionUri: vscode.Uri
  readonly log: Log
  /** A decision on steps exactly as they were shown. */
  decide(request: PlansRequest & { kind: 'approve' | 'reject' }): void
  signIn(): void
}

/** The Plans view: shows states, and passes decisions on. It is remade whenever it is opened, so the last state is sent on `ready`. */
export function createPlansView(options: PlansViewOptions): PlansView {
  let view: vscode.WebviewView | undefined
  let last: PlansState | undefined
  const post = () => {
    if (view && last) void view.webview.postMessage({ ...last, now: Date.now() })
  }
  const act = (request: PlansRequest): void => {
    switch (request.kind) {
      case 'ready':
        return post()
      case 'sign-in':
        return options.signIn()
      case 'approve':
      case 'reject':
        return options.decide(request)
    }
  }
  const registration = vscode.window.registerWebviewViewProvider('gatehouse.plans', {
    resolveWebviewView(resolved) {
      view = resolved
      const receiving = receiveFrom(resolved.webview, 'plans', PlansRequest, options.log, act)
      resolved.onDidDispose(() => {
        receiving.dispose()
        if (view === resolved) view = undefined
      })
      badge(resolved, last)
      preparePage(resolved.webview, options.extensionUri, 'plans')
    },
  })
  return {
    get visible() {
      return view?.visible ?? false
    },
    show(state) {
      last = state
      if (view) badge(view, state)
      post()
    },
    async reveal() {
      await vscode.commands.executeCommand('gatehouse.plans.focus')
    },
    dispose: () => void registration.dispose(),
  }
}

function badge(view: vscode.WebviewView, state: PlansState | undefined): void {
  const waiting = state?.pending.flatMap((plan) => plan.steps).filter((step) => step.decidable).length ?? 0
  view.badge =
    waiting === 0
      ? undefined
      : { value: waiting, tooltip: waiting === 1 ? '1 step waits for you' : `${waiting} steps wait for you` }
}
