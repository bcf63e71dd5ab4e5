import { GatehouseError } from '@gatehouse/contracts'

/** What the editor offers beside the words: a button, or nothing. */
export type SessionAction = 'sign-in' | 'retry' | 'settings' | 'none'

export interface SessionTrouble {
  readonly title: string
  readonly explanation: string
  /** What the person can do, as a sentence. */
  readonly advice: string
  readonly action: SessionAction
}

/** One row per code: what the person reads, and what they can do about it (EDIT-8). */
export const SESSION_TROUBLES = {
  registry_url_invalid: {
    title: 'The registry address is not usable',
    explanation:
      'It must be an https address without a user name, query or fragment; http is accepted only on this machine.',
    advice: 'Correct the setting “Gatehouse: Registry Url”.',
    action: 'settings',
  },
  registry_unreachable: {
    title: 'The registry cannot be reached',
    explanation: 'Nothing usable answers at the registry address.',
    advice: 'Check the network or VPN and the setting “Gatehouse: Registry Url”, then try again.',
    action: 'retry',
  },
  registry_timeout: {
    title: 'The registry does not answer',
    explanation: 'The host accepted the connection and then stayed silent.',
    advice: 'Try again; if it goes on, ask whoever runs the registry.',
    action: 'retry',
  },
  registry_not_a_registry: {
    title: 'There is no Gatehouse registry at this address',
    explanation: 'Something else answers there, such as a web page or a proxy’s login form.',
    advice: 'Correct the setting “Gatehouse: Registry Url”, or sign in to the network first.',
    action: 'settings',
  },
  discovery_failed: {
    title: 'The identity provider cannot be used',
    explanation:
      'What it publishes about itself (RFC 8414) is missing, belongs to another issuer, or lacks PKCE, DPoP or https.',
    advice: 'Ask whoever runs the registry; nothing on this machine can correct it.',
    action: 'none',
  },
  issuer_unreachable: {
    title: 'The identity provider cannot be reached',
    explanation: 'It does not answer. Nobody can sign in, and no new access can be fetched, until it does.',
    advice: 'Check the network or VPN, then try again.',
    action: 'retry',
  },
  issuer_changed: {
    title: 'The registry now names another identity provider',
    explanation: 'Your sign-in belongs to the earlier one and is not sent to another.',
    advice: 'Sign in again if this change is expected; otherwise ask whoever runs the registry.',
    action: 'sign-in',
  },
  browser_not_opened: {
    title: 'The browser could not be opened',
    explanation: 'Sign-in happens on the identity provider’s page in your browser.',
    advice: 'Sign in again and allow the editor to open the page.',
    action: 'sign-in',
  },
  redirect_unavailable: {
    title: 'The answer of the sign-in page cannot be received',
    explanation: 'No port on this machine could be opened for it.',
    advice: 'Sign in again; if it goes on, check the security software on this machine.',
    action: 'sign-in',
  },
  sign_in_cancelled: {
    title: 'Sign-in was cancelled',
    explanation: 'Nothing has changed.',
    advice: 'Sign in again when you are ready.',
    action: 'sign-in',
  },
  sign_in_timeout: {
    title: 'Sign-in was not finished in time',
    explanation: 'The sign-in page has not answered.',
    advice: 'Sign in again.',
    action: 'sign-in',
  },
  sign_in_refused: {
    title: 'The identity provider refused the sign-in',
    explanation: 'It answered with an error instead of a code.',
    advice: 'Sign in again; if it goes on, ask whoever runs the identity provider.',
    action: 'sign-in',
  },
  state_mismatch: {
    title: 'The answer belongs to another sign-in',
    explanation: 'Its state is not the one this sign-in was started with, so it was thrown away.',
    advice: 'Close other sign-in pages and sign in again.',
    action: 'sign-in',
  },
  issuer_mismatch: {
    title: 'The answer comes from another identity provider',
    explanation: 'Its issuer (RFC 9207) is not the one this sign-in was started with, so it was thrown away.',
    advice: 'Sign in again; if it goes on, tell your security team.',
    action: 'sign-in',
  },
  response_invalid: {
    title: 'The identity provider’s answer is not valid',
    explanation: 'A token is missing, does not belong to this sign-in, or is not bound to this device.',
    advice: 'Sign in again; if it goes on, ask whoever runs the identity provider.',
    action: 'sign-in',
  },
  clock_wrong: {
    title: 'The clock of this machine is wrong',
    explanation: 'It is too far from the other side’s, and a sign-in is proved by the time it is used at.',
    advice: 'Set the clock of this machine right, then try again.',
    action: 'retry',
  },
  pasted_text_invalid: {
    title: 'That is not the text of the sign-in page',
    explanation: 'It must hold the code together with its state and issuer.',
    advice: 'Sign in again and use the page’s copy button, or paste the whole address of the page.',
    action: 'sign-in',
  },
  signed_out: {
    title: 'You are signed out',
    explanation: 'This needs your identity.',
    advice: 'Sign in to Gatehouse.',
    action: 'sign-in',
  },
  session_ended: {
    title: 'Your sign-in has ended',
    explanation: 'The identity provider no longer accepts it: it was revoked, or has run out.',
    advice: 'Sign in again.',
    action: 'sign-in',
  },
  session_busy: {
    title: 'Another window is still renewing the sign-in',
    explanation: 'Only one window may renew it at a time, and it has not finished.',
    advice: 'Try again in a moment.',
    action: 'retry',
  },
  resource_refused: {
    title: 'No access to this server could be fetched',
    explanation: 'The identity provider does not issue a token for it.',
    advice: 'Ask the server’s owner, who stands in the server tree.',
    action: 'none',
  },
  audience_not_exact: {
    title: 'The identity provider gives no token for this server alone',
    explanation: 'A token that names no server, or that more than one would accept, is not used.',
    advice: 'Ask whoever runs the identity provider to let it issue tokens for this server’s address alone.',
    action: 'none',
  },
  client_setting_invalid: {
    title: 'A setting of the sign-in is not usable',
    explanation:
      'A client id is one word without spaces; the address of a client metadata document is https, with a path, and without a user name, a query or a fragment.',
    advice: 'Correct or empty the settings “Gatehouse › Sign In: Client Id” and “Client Metadata Url”.',
    action: 'settings',
  },
  registration_refused: {
    title: 'The identity provider does not know this editor',
    explanation: 'It asks who wants to sign in, and would not register this editor.',
    advice: 'Ask whoever runs the identity provider to register it.',
    action: 'none',
  },
  scope_needed: {
    title: 'This needs more access than your sign-in has',
    explanation: 'The server asked for a wider scope. Nothing ran.',
    advice: 'Sign in again to be asked for it, then repeat the request.',
    action: 'sign-in',
  },
  scope_refused: {
    title: 'Your sign-in was not given the access that this needs',
    explanation: 'It was asked for when you signed in, and the server still refuses. Nothing ran.',
    advice: 'Ask the server’s owner, who stands in the server tree.',
    action: 'none',
  },
  wrong_resource: {
    title: 'A token was about to leave for the wrong address',
    explanation: 'A token is sent only to the server it was issued for.',
    advice: 'Report this as a defect of Gatehouse.',
    action: 'none',
  },
  keychain_unavailable: {
    title: 'The keychain does not answer',
    explanation:
      'It is locked, missing, or waits for you in a window of its own. Gatehouse keeps secrets nowhere else in the meantime.',
    advice:
      'Unlock the keychain of this machine and try again, or restart the editor to choose where secrets are kept anew.',
    action: 'retry',
  },
} as const satisfies Record<string, SessionTrouble>

export type SessionErrorCode = keyof typeof SESSION_TROUBLES

export interface SessionErrorOptions extends ErrorOptions {
  /** Our own words, a host name, or a status; never what an outsider sent, nor a secret. */
  readonly detail?: string
}

/**
 * Every failure of this folder. `cause` is never an error of oauth4webapi or jose, whose own causes hold the answers of the
 * identity provider, tokens included.
 */
export class SessionError extends GatehouseError {
  declare readonly code: SessionErrorCode
  constructor(code: SessionErrorCode, options: SessionErrorOptions = {}) {
    const { title } = SESSION_TROUBLES[code]
    super(
      code,
      options.detail ? `${title}: ${options.detail}` : title,
      options.cause ? { cause: options.cause } : undefined,
    )
  }

  get trouble(): SessionTrouble {
    return SESSION_TROUBLES[this.code]
  }
}
