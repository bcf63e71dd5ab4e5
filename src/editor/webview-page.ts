import { randomBytes } from 'node:crypto'
import * as vscode from 'vscode'
import type { z } from 'zod'
import type { Log } from './log.ts'

/** A page under dist/webview, with a policy that lets it run our own bundle and nothing else: no network, no inline code, no eval. */
export function preparePage(
  webview: vscode.Webview,
  extensionUri: vscode.Uri,
  page: { name: string; element: string; title: string },
): void {
  const folder = vscode.Uri.joinPath(extensionUri, 'dist', 'webview')
  const uri = (file: string) => webview.asWebviewUri(vscode.Uri.joinPath(folder, file)).toString()
  const nonce = randomBytes(18).toString('base64')
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src ${webview.cspSource}`,
    `font-src ${webview.cspSource}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
  webview.options = { enableScripts: true, enableForms: true, localResourceRoots: [folder] }
  webview.html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${page.title}</title>
<link rel="stylesheet" id="vscode-codicon-stylesheet" href="${uri('codicon.css')}">
<script type="module" nonce="${nonce}" src="${uri(`${page.name}.js`)}"></script>
</head>
<body><${page.element}></${page.element}></body>
</html>`
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
