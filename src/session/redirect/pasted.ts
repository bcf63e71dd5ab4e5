import { SessionError } from '../errors.ts'
import { untilAborted } from '../until-aborted.ts'
import type { Redirect } from './redirect.ts'

/** Asks the person for the text of the sign-in page; `undefined` when they close the question. */
export type AskForCode = (signal: AbortSignal) => Promise<string | undefined>

/** The answer carried by hand: the provider's own page at `/code` shows it, and the person pastes it. */
export function pastedRedirect(issuer: string, ask: AskForCode): Redirect {
  return {
    kind: 'pasted',
    uri: `${issuer.replace(/\/+$/, '')}/code`,
    wait: async (signal) => {
      const text = await untilAborted(ask(signal), signal)
      if (text === undefined) throw new SessionError('sign_in_cancelled')
      return readPasted(text)
    },
    dispose: () => {},
  }
}

/**
 * Understands the page's text, which is the whole address of the answer, and its query alone. A code without its state and issuer is refused:
 * the issuer (RFC 9207) tells a code for this provider from one that another provider tricked the person into fetching, and for a
 * code carried by hand nothing else does.
 * @throws SessionError `pasted_text_invalid`
 */
export function readPasted(text: string): URLSearchParams {
  const trimmed = text.trim()
  if (trimmed.length > 8192) throw new SessionError('pasted_text_invalid')
  const parameters = new URLSearchParams(trimmed.replace(/^[^?]*\?/, '').replace(/#.*$/s, ''))
  const answered = parameters.has('code') || parameters.has('error')
  if (!answered || !parameters.has('state') || !parameters.has('iss')) throw new SessionError('pasted_text_invalid')
  return parameters
}
