import type { OidcContext } from 'oidc-provider'
import { html } from './html.ts'
import { type Page, pageHeaders, renderPage } from './page.ts'

/** What a person sees when a request cannot be answered by a redirect: the OAuth error (RFC 6749 §4.1.2.1), as text. */
export function errorPage(context: OidcContext, out: { error: string; error_description?: string }): void {
  const page = problemPage('Sign-in cannot go on', out.error_description ?? out.error, out.error)
  context.set(pageHeaders(page))
  context.body = renderPage(page)
}

/** @param code stable code, for a report to whoever runs the provider */
export function problemPage(title: string, message: string, code: string): Page {
  return {
    title,
    body: html`<h1>${title}</h1>
      <p class="error" role="alert">${message}</p>
      <p class="quiet">Close this page and start the sign-in again in the editor. Code: <code>${code}</code></p>`,
  }
}
