import { html } from './html.ts'
import type { Page } from './page.ts'
import { problemPage } from './error-page.ts'

/** Selects all on focus; the button copies where the browser allows it, and else leaves the selection to be copied by hand. */
const SCRIPT = `
const field = document.getElementById('response');
const note = document.getElementById('note');
field.addEventListener('focus', () => field.select());
document.getElementById('copy').addEventListener('click', async () => {
  field.focus();
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    note.textContent = 'Copied. Paste it in the editor.';
  } catch {
    note.textContent = 'Selected. Copy it with the keyboard, then paste it in the editor.';
  }
});
`

/**
 * Redirect URI for hosts that neither the editor's URI handler nor a loopback port can reach: shows the authorization response for
 * pasting. It is the whole response URL, so that the editor checks `state` and `iss` (RFC 9207) of a pasted code as of any other.
 * @param url the request's URL on the issuer's origin
 */
export function codePage(url: URL): { status: number; page: Page } {
  const parameter = (name: string): string => url.searchParams.get(name) ?? ''
  if (parameter('error') !== '') {
    const cancelled = parameter('error') === 'access_denied'
    const message = cancelled
      ? 'You cancelled the sign-in. The editor still waits for it: choose Cancel there, or paste the address of this page.'
      : parameter('error_description') || 'The sign-in was refused.'
    return { status: 200, page: problemPage('Not signed in', message, parameter('error')) }
  }
  if (parameter('code') === '' || parameter('state') === '') {
    return {
      status: 400,
      page: problemPage('No code here', 'This page shows a sign-in code; none was sent.', 'request_invalid'),
    }
  }
  const response = new URL(url.pathname, url.origin)
  for (const name of ['code', 'state', 'iss']) response.searchParams.set(name, parameter(name))
  return {
    status: 200,
    page: {
      title: 'Your sign-in code',
      script: SCRIPT,
      body: html`<h1>Almost there</h1>
        <p>Copy this and paste it in the editor, where it asks for the sign-in code. It works once, for five minutes.</p>
        <label class="label" for="response">Sign-in response</label>
        <input class="field code" id="response" readonly value="${response.href}" />
        <div class="actions"><button class="primary" id="copy" type="button">Copy</button></div>
        <p class="quiet" id="note" role="status"></p>
        <p class="quiet">Code: <code class="code" id="code">${parameter('code')}</code></p>
        <p class="quiet">State: <code class="code" id="state">${parameter('state')}</code></p>`,
    },
  }
}
