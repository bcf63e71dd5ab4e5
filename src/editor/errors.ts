import { SESSION_TROUBLES, type SessionAction } from '../session/errors.ts'

/** What a person is told about a failure: what it was, what it means, and the one thing to do about it. */
export interface Explained {
  readonly code: string
  readonly title: string
  readonly explanation: string
  readonly action?: Remedy
  /** Where the cause may be either of two. */
  readonly also?: Remedy
}

export interface Remedy {
  readonly label: string
  readonly command: string
}

const SIGN_IN: Remedy = { label: 'Sign In', command: 'gatehouse.signIn' }
/** Does again what failed; where that is no command, fetches the list of servers. */
export const RETRY: Remedy = { label: 'Try Again', command: 'gatehouse.refresh' }
const SETTINGS: Remedy = { label: 'Open Settings', command: 'gatehouse.openSettings' }
const LOG: Remedy = { label: 'Show Log', command: 'gatehouse.showLog' }
const PLANS: Remedy = { label: 'Show Plans', command: 'gatehouse.showPlans' }
const SERVERS: Remedy = { label: 'Show Servers', command: 'gatehouse.servers.focus' }

type Row = readonly [title: string, explanation: string, action?: Remedy]

/** Codes of the catalog, the plans, the connections and the editor; those of the session stand in its own table. */
const ROWS: Readonly<Record<string, Row>> = {
  unexpected: ['Something unexpected went wrong', 'The log says more.', LOG],

  list_signature: [
    'The list of approved servers is not genuine',
    'Its signature is not the registry’s, so nothing in it is used. Tell your security team.',
    LOG,
  ],
  list_expired: [
    'The list of approved servers has expired',
    'Every server is closed until the registry gives a new one.',
    RETRY,
  ],
  list_invalid: [
    'The list of approved servers cannot be read',
    'The registry sent something else. Ask whoever runs the registry.',
    LOG,
  ],
  list_refused: [
    'The registry does not give you a list',
    'It refused your sign-in. Sign in again, or ask whoever runs the registry.',
    SIGN_IN,
  ],

  plan_not_saved: [
    'The plan could not be saved',
    'So nothing was decided and nothing was started. Is the disk full?',
    LOG,
  ],
  step_not_approved: ['The step is not approved', 'It was decided already, or has been started.', PLANS],
  step_expired: ['The approval has expired', 'Ask for the change again; it will wait for you anew.', PLANS],
  decision_stale: ['Nothing was decided', 'The step changed while you looked at it. Look again.', PLANS],

  not_signed_in: ['You are signed out', 'Sign in to use the approved servers.', SIGN_IN],
  server_not_allowed: ['This server is not approved for you', 'The Servers view says whom to ask.', SERVERS],
  tool_not_allowed: ['This tool is not approved for you', 'The Servers view says whom to ask.', SERVERS],
  tool_not_offered: [
    'The server does not have this tool',
    'Refresh the servers; the tool may have been removed.',
    RETRY,
  ],
  prompt_not_allowed: ['This prompt is not approved for you', 'The Servers view says whom to ask.', SERVERS],
  prompt_not_offered: [
    'The server does not have this prompt',
    'Refresh the servers; the prompt may have been removed.',
    RETRY,
  ],
  resource_not_allowed: ['This resource is not approved for you', 'The Servers view says whom to ask.', SERVERS],
  resource_not_offered: [
    'The server does not have this resource',
    'Refresh the servers; the resource may have been removed.',
    RETRY,
  ],
  surface_mismatch: [
    'The server is not the one that was reviewed',
    'What it offers differs from what reviewers signed, so it is closed. Tell its owner.',
    SERVERS,
  ],
  surface_too_large: [
    'The server offers too much',
    'It describes more tools than Gatehouse reads, so it is closed. Tell its owner.',
    SERVERS,
  ],
  surface_unsettled: [
    'The server keeps changing what it offers',
    'It is not used until it is still for a while; that is looked at by itself. Tell its owner.',
    SERVERS,
  ],
  tool_refused: [
    'The tool describes itself in a way that is not used',
    'Its words hide something, or its schema leads elsewhere or is too large, so it is not offered. Tell its owner.',
    SERVERS,
  ],
  server_unreachable: [
    'The server cannot be reached',
    'Nothing was sent. Check the network or VPN, then try again.',
    RETRY,
  ],
  server_disconnected: [
    'The connection to the server was lost',
    'The call may have run. Check before asking again.',
    LOG,
  ],
  server_timeout: ['The server does not answer', 'The call may have run. Check before asking again.', LOG],
  server_refused: ['The server refused you', 'Its own rules say no. The Servers view says whom to ask.', SERVERS],
  request_too_large: ['The request is too large for the server', 'Nothing ran. Ask for less, or in parts.'],
  server_busy: ['The server is busy', 'Nothing ran. It says when to come back; until then it is left alone.', SERVERS],
  server_moved: [
    'The server sends elsewhere',
    'A redirect is not followed, since your sign-in is for this address alone. Tell its owner.',
    SERVERS,
  ],
  server_error: ['The server failed', 'Ask in its support channel; the log has the details.', LOG],
  approval_not_enforced: [
    'The server does not check approvals',
    'It must not be used for changes. Tell its owner and your security team.',
    LOG,
  ],
  outcome_unknown: ['It is not known whether the change ran', 'Check the data before asking for it again.', LOG],

  cancelled: ['The call was cancelled', 'Nothing more runs.'],
  channel_broken: ['The chat that asked has ended', 'What it proposed still waits for you.', PLANS],
  disposed: ['Gatehouse is closing', 'Ask again after the window has been reloaded.'],
  plans_disposed: ['Gatehouse is closing', 'What waits will still be there after the window has been reloaded.'],
  server_session_lost: ['The server has forgotten the connection', 'Nothing ran. Ask again.', RETRY],
  page_required: ['The server wants you to visit a page first', 'Nothing ran. Finish there, then ask again.'],
  result_invalid: ['The server’s answer cannot be read', 'It is not what its tool promises. Tell its owner.', SERVERS],
  arguments_invalid: ['The tool was called wrongly', 'The arguments do not fit its schema, so nothing was sent.', LOG],
  proposal_invalid: [
    'The server’s proposal cannot be read',
    'So it is not shown, and nothing runs. Tell its owner.',
    SERVERS,
  ],
  proposal_mismatch: [
    'The server proposed something else than was asked',
    'So it is not shown, and nothing runs. Tell its owner.',
    SERVERS,
  ],
  approval_rejected: ['You rejected this', 'Nothing ran.', PLANS],
  approval_withdrawn: ['The step was withdrawn', 'Whoever proposed it has taken it back. Nothing ran.', PLANS],
  approval_expired: ['Nobody decided in time', 'Nothing ran. Ask for it again; it will wait for you anew.', PLANS],

  no_model: ['No language model is chosen', 'Choose a model in the chat, then ask again.'],
  companion_missing: [
    'This build carries no companion workspace',
    'It is part of the packaged extension; in a checkout, run the build first.',
    LOG,
  ],
  companion_exists: [
    'The folder is already there',
    'Nothing was overwritten. Choose another folder, or open the one that is there.',
  ],
}

const SESSION_REMEDIES: Readonly<Record<SessionAction, Remedy | undefined>> = {
  'sign-in': SIGN_IN,
  retry: RETRY,
  settings: SETTINGS,
  none: undefined,
}

/** Codes whose cause is as likely a wrong address as a network that is down. */
const ADDRESS_CODES: readonly string[] = ['registry_unreachable', 'registry_timeout']

/** The one place where a stable code becomes words (EDIT-8). A code that is not known is `unexpected`. */
export function explain(code: string): Explained {
  if (Object.hasOwn(SESSION_TROUBLES, code)) {
    const { title, explanation, advice, action } = SESSION_TROUBLES[code as keyof typeof SESSION_TROUBLES]
    const remedy = SESSION_REMEDIES[action]
    return {
      code,
      title,
      explanation: `${explanation} ${advice}`,
      ...(remedy ? { action: remedy } : {}),
      ...(ADDRESS_CODES.includes(code) ? { also: SETTINGS } : {}),
    }
  }
  const known = Object.hasOwn(ROWS, code) ? code : 'unexpected'
  const [title, explanation, action] = ROWS[known] as Row
  return { code: known, title, explanation, ...(action ? { action } : {}) }
}

/** Bundles are split, so two copies of an error class may meet: the code is what counts. */
export function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' && /^[a-z][a-z0-9_]{0,63}$/.test(code) ? code : 'unexpected'
}
