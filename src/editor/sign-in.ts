import * as vscode from 'vscode'
import type { Account, Session } from '../session/types.ts'
import type { Lazy } from './lazy.ts'

export interface SignIn {
  /** The whole sign-in, with progress that can be cancelled. @throws SessionError */
  run(): Promise<Account>
  cancel(): void
}

export function createSignIn(session: Lazy<Session>): SignIn {
  let attempt: AbortController | undefined
  return {
    run() {
      const options = {
        location: vscode.ProgressLocation.Notification,
        title: 'Signing in to Gatehouse',
        cancellable: true,
      }
      return Promise.resolve(
        vscode.window.withProgress(options, async (progress, token) => {
          const controller = new AbortController()
          attempt = controller
          token.onCancellationRequested(() => controller.abort())
          progress.report({ message: 'finish on the page that opens in your browser' })
          const opened = await session.get()
          return opened.signIn(controller.signal)
        }),
      )
    },
    cancel: () => attempt?.abort(),
  }
}
