import { createHash } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { Html, html } from './html.ts'
import { STYLE } from './page-style.ts'

export interface Page {
  readonly title: string
  readonly body: Html
  /** Inline script, allowed by its hash alone. */
  readonly script?: string
  /** Where a form may lead besides this provider: browsers apply `form-action` to the redirects after it too. */
  readonly formAction?: string
}

/** Headers of every page: nothing is loaded from anywhere, nothing is cached, and no code leaks to another site in a referrer (RFC 9700 §4.2.4). */
export function pageHeaders(page: Page): Record<string, string> {
  const policy = [
    "default-src 'none'",
    `style-src '${hash(STYLE)}'`,
    ...(page.script === undefined ? [] : [`script-src '${hash(page.script)}'`]),
    `form-action 'self'${page.formAction === undefined ? '' : ` ${page.formAction}`}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ]
  return {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy': policy.join('; '),
    'Cache-Control': 'no-store',
    'Referrer-Policy': 'same-origin',
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
  }
}

export function renderPage(page: Page): string {
  // The style and the script are constants of this program and go in as they are: their hashes stand in the policy.
  const script = page.script === undefined ? undefined : new Html(`<script>${page.script}</script>`)
  const document = html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>${page.title} · Gatehouse</title>
    ${new Html(`<style>${STYLE}</style>`)}
  </head>
  <body>
    <main>${page.body}</main>
    ${script}
  </body>
</html>
`
  return document.markup
}

export function sendPage(response: ServerResponse, status: number, page: Page): void {
  response.writeHead(status, pageHeaders(page)).end(renderPage(page))
}

function hash(source: string): string {
  return `sha256-${createHash('sha256').update(source, 'utf8').digest('base64')}`
}
