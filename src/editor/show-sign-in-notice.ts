import * as vscode from 'vscode'
import { SessionError } from '../session/errors.ts'
import type { Session } from '../session/types.ts'
import type { Lazy } from './lazy.ts'
import { createSignInNotice } from './sign-in-notice.ts'
import type { SignIn } from './sign-in.ts'
import type { Tell } from './tell.ts'

/** Keeps the person told of the end of their sign-in, in the window that they are in. */
export function showSignInNotice(session: Lazy<Session>, signIn: SignIn, tell: Tell): vscode.Disposable {
  const notice = createSignInNotice({
    show: async (words, button) => (await vscode.window.showWarningMessage(words, button)) === button,
    isFocused: () => vscode.window.state.focused,
    signIn: () => signIn.run().catch((error: unknown) => tell(error, 'gatehouse.signIn')),
    tellEnded: () => tell(new SessionError('session_ended')),
  })
  session.whenReady((opened) => opened.onChange((state) => notice.update(state)))
  return vscode.window.onDidChangeWindowState(({ focused }) => {
    const state = session.peek()?.state()
    if (focused && state) notice.update(state)
  })
}
