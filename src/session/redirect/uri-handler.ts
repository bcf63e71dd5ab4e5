import { untilAborted } from '../until-aborted.ts'
import type { Redirect } from './redirect.ts'

/** The editor's URI handler, as src/editor offers it. */
export interface UriHandler {
  /** `vscode://gatehouse.gatehouse/callback` in this editor's scheme. */
  readonly uri: string
  /** Every URI the system hands to the extension, as text. */
  onUri(listener: (uri: string) => void): () => void
}

/** The answer through the editor's own scheme. Anyone can send such a URI: only the parameters are passed on, to be checked. */
export function uriHandlerRedirect(handler: UriHandler): Redirect {
  const expected = new URL(handler.uri)
  let settle: (parameters: URLSearchParams) => void = () => {}
  const answer = new Promise<URLSearchParams>((resolve) => {
    settle = resolve
  })
  const stop = handler.onUri((text) => {
    const parameters = answerOf(text, expected)
    if (parameters) settle(parameters)
  })
  return {
    kind: 'uri-handler',
    uri: handler.uri,
    wait: (signal) => untilAborted(answer, signal),
    dispose: stop,
  }
}

function answerOf(text: string, expected: URL): URLSearchParams | undefined {
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  if (url.host !== expected.host || url.pathname !== expected.pathname) return undefined
  return url.searchParams.has('code') || url.searchParams.has('error') ? url.searchParams : undefined
}
