import * as vscode from 'vscode'
import type { UriHandler } from '../session/redirect/uri-handler.ts'

/** The window's one URI handler; listeners come and go with sign-ins. A URI that nobody waits for is dropped. */
export function registerUriHandler(extensionId: string): UriHandler & vscode.Disposable {
  const listeners = new Set<(uri: string) => void>()
  const registration = vscode.window.registerUriHandler({
    handleUri(uri) {
      for (const listener of listeners) listener(uri.toString(true))
    },
  })
  return {
    uri: `${vscode.env.uriScheme}://${extensionId}/callback`,
    onUri(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    dispose: () => void registration.dispose(),
  }
}
