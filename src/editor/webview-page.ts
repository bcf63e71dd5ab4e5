import { randomBytes } from 'node:crypto'
import * as vscode from 'vscode'
import type { z } from 'zod'
import type { Log } from './log.ts'
import { pageHtml, type PageName } from './page-html.ts'

/** Loads a page of dist/webview into a webview: its own files alone, under the policy of page-html.ts. */
export function preparePage(webview: vscode.Webview, extensionUri: vscode.Uri, page: PageName): void {
  const folder = vscode.Uri.joinPath(extensionUri, 'dist', 'webview')
  webview.options = { enableScripts: true, enableForms: true, localResourceRoots: [folder] }
  webview.html = pageHtml(page, {
    source: webview.cspSource,
    uri: (file) => webview.asWebviewUri(vscode.Uri.joinPath(folder, file)).toString(),
    nonce: randomBytes(18).toString('base64'),
  })
}

/** Parses what a page sends. A message of another shape is logged and does nothing. */
export function receiveFrom<T>(
  webview: vscode.Webview,
  name: string,
  schema: z.ZodType<T>,
  log: Log,
  act: (message: T) => void,
): vscode.Disposable {
  return webview.onDidReceiveMessage((message: unknown) => {
    const parsed = schema.safeParse(message)
    if (!parsed.success) {
      const where = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'message'}: ${issue.code}`).join(', ')
      log.warn(`webview_message_invalid: a message of the ${name} page was ignored (${where})`)
      return
    }
    act(parsed.data)
  })
}
