/** What a resource says when it refuses a request (RFC 9110 section 11.6.1, RFC 6750 section 3, RFC 9728 section 5.1). All of it is the resource's word. */
export interface Challenge {
  /** RFC 6750 section 3.1, RFC 9449: `invalid_token`, `insufficient_scope`, `use_dpop_nonce`. */
  readonly error?: string
  /** Valid scope tokens (RFC 6749 section 3.3), 20 at most. */
  readonly scopes: readonly string[]
  /** Where the resource's metadata is; not checked yet. */
  readonly metadata?: string
}

/** Characters of a header that are read; a real one has a few hundred. */
const MAX_HEADER = 8192
const MAX_SCOPES = 20
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/

/** The challenge of scheme DPoP or Bearer, in this order; `undefined` where there is none. */
export function challengeOf(response: Response): Challenge | undefined {
  const all = parseChallenges((response.headers.get('www-authenticate') ?? '').slice(0, MAX_HEADER))
  const found = all.find(({ scheme }) => scheme === 'dpop') ?? all.find(({ scheme }) => scheme === 'bearer')
  if (!found) return undefined
  const { parameters } = found
  const error = parameters.get('error')
  const metadata = parameters.get('resource_metadata')
  const named = (parameters.get('scope') ?? '').split(' ').filter((scope) => SCOPE.test(scope))
  return {
    scopes: [...new Set(named)].slice(0, MAX_SCOPES),
    ...(error === undefined ? {} : { error }),
    ...(metadata === undefined ? {} : { metadata }),
  }
}

/** The scopes that a 403 asks for (RFC 6750 section 3.1); `undefined` where it is about something else. */
export function scopesNeeded(response: Response): readonly string[] | undefined {
  if (response.status !== 403) return undefined
  const challenge = challengeOf(response)
  return challenge?.error === 'insufficient_scope' ? challenge.scopes : undefined
}

interface Parsed {
  /** In lower case. */
  readonly scheme: string
  /** By name in lower case; the first of two with one name counts. */
  readonly parameters: Map<string, string>
}

const TOKEN = String.raw`[!#$%&'*+.^_\x60|~\w-]+`
/** One parameter, one scheme, or what lies between; each is read where the last one ended, so no input is read twice. */
const PIECE = new RegExp(
  String.raw`(?<name>${TOKEN})[ \t]*=[ \t]*(?:"(?<quoted>(?:[^"\\]|\\.)*)"|(?<bare>${TOKEN}))|(?<scheme>${TOKEN})|[\s\S]`,
  'y',
)

/** Challenges in their order. What is no challenge is passed over, as a browser does. */
function parseChallenges(header: string): Parsed[] {
  const challenges: Parsed[] = []
  for (PIECE.lastIndex = 0; PIECE.lastIndex < header.length; ) {
    const groups = PIECE.exec(header)?.groups ?? {}
    const { name, quoted, bare, scheme } = groups
    if (scheme !== undefined) challenges.push({ scheme: scheme.toLowerCase(), parameters: new Map() })
    const parameters = challenges.at(-1)?.parameters
    if (name === undefined || parameters?.has(name.toLowerCase())) continue
    parameters?.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? bare ?? '')
  }
  return challenges
}
