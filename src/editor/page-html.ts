/** Pages under dist/webview, and the element each one is. */
const PAGES = {
  plans: { element: 'gh-plans', title: 'Gatehouse Plans' },
  elicitation: { element: 'gh-elicitation', title: 'Gatehouse: a server asks' },
} as const
export type PageName = keyof typeof PAGES

export interface PageHost {
  /** CSP source of the page's own files. */
  readonly source: string
  /** Address of one of them. */
  uri(file: string): string
  /** Random, for this page alone. */
  readonly nonce: string
}

/** A page with a policy that lets it run our own bundle and nothing else: no network, no inline code or style, no eval, no frame. */
export function pageHtml(name: PageName, host: PageHost): string {
  const { element, title } = PAGES[name]
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${host.nonce}'`,
    `style-src ${host.source}`,
    `font-src ${host.source}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="stylesheet" id="vscode-codicon-stylesheet" href="${host.uri('codicon.css')}">
<script type="module" nonce="${host.nonce}" src="${host.uri(`${name}.js`)}"></script>
</head>
<body><${element}></${element}></body>
</html>`
}
