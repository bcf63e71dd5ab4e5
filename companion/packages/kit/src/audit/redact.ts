import { hash } from 'node:crypto'
import type { Json } from '@gatehouse/contracts'

const REDACTED = '[redacted]'
const MAX_STRING = 500
const KEPT_OF_LONG = 200
/** Start of a long text that is searched for credentials; no more of it can be kept. Bounds the time that the patterns take. */
const SEARCHED = 2048
const MAX_ITEMS = 50
const MAX_DEPTH = 6
/** Values kept in all, so that one event stays small whatever was sent. */
const MAX_NODES = 200

/** Field names whose value is a secret, whatever their spelling: `apiKey`, `API_KEY`, `x-api-key`, `dbPassword`, `sessionCookie`. */
const SECRET_NAME =
  /pass(word|wd|phrase|code)|secret|token|credential|authorization|apikey|accesskey|privatekey|signingkey|cookie|bearer|jwt|signature|^auth$|^pwd$|^pin$|^otp$/
const SECRET_WORD = 'password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key'
/** A credential inside a longer text, also one that the text's end cuts off; the name stays, the value goes. */
const SECRETS_IN_TEXT: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, REDACTED],
  [/\beyJ[A-Za-z0-9_-]{10,}(?:\.[A-Za-z0-9_-]*){0,4}/g, REDACTED],
  [/\b(Bearer|Basic|DPoP)\s+[A-Za-z0-9._~+/=-]{8,}/gi, `$1 ${REDACTED}`],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g, REDACTED],
  [/\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|xox[a-z]-[\w-]{10,}|sk-[\w-]{20,})/g, REDACTED],
  [/(:\/\/[^\s/:@]*):[^\s/@]+@/g, `$1:${REDACTED}@`],
  [
    new RegExp(`((?:${SECRET_WORD})[\\w.-]{0,40}["']?\\s*(?:=>?|:|\\s)\\s*)(?:'(?:[^']|'')*'?|"[^"]*"?)`, 'gi'),
    `$1${REDACTED}`,
  ],
  [new RegExp(`((?:${SECRET_WORD})[\\w.-]{0,40}\\s*[=:]\\s*)[^\\s'",;&)[]+`, 'gi'), `$1${REDACTED}`],
]

/**
 * A copy of a call's arguments fit for the audit. Gone at any depth: the fields named in `redactedNames`, fields whose name is that of a
 * secret, and credentials inside strings. Long strings are cut (with the digest of the whole), long lists and deep nesting too.
 */
export function redactArguments(args: unknown, redactedNames: readonly string[] = []): Json {
  const names = new Set(redactedNames.map(normal))
  let nodes = 0

  function copy(value: unknown, depth: number): Json {
    if (++nodes > MAX_NODES) return '[more]'
    if (typeof value === 'string') return safeText(value)
    if (value === null || typeof value === 'boolean') return value
    // JSON has no -0 that every reader keeps.
    if (typeof value === 'number') return exact(value) ? value + 0 : '[number]'
    if (typeof value !== 'object') return `[${typeof value}]`
    if (depth >= MAX_DEPTH) return Array.isArray(value) ? '[list]' : '[object]'
    if (!Array.isArray(value)) return copyFields(value, depth)
    const items = value.slice(0, MAX_ITEMS).map((item: unknown) => copy(item, depth + 1))
    return value.length > MAX_ITEMS ? [...items, `[${value.length - MAX_ITEMS} more]`] : items
  }

  function copyFields(value: object, depth: number): Json {
    const entries = Object.entries(value) as [string, unknown][]
    const kept: [string, Json][] = []
    for (const [key, item] of entries) {
      if (kept.length === MAX_ITEMS || nodes > MAX_NODES) break
      const secret = names.has(normal(key)) || SECRET_NAME.test(normal(key))
      kept.push([safeName(key), copy(secret ? REDACTED : item, depth + 1)])
    }
    if (kept.length < entries.length) kept.push(['[more]', entries.length - kept.length])
    return Object.fromEntries(kept)
  }

  return copy(args, 0)
}

/** The same of one text, such as an address that a caller made up. */
export function redactText(text: string): string {
  return safeText(text)
}

/** `__proto__` is a name that contracts refuse, since not every reader of JSON takes it for data. */
function safeName(key: string): string {
  return key === '__proto__' ? '[__proto__]' : safeText(key, 64)
}

/** The text without its credentials, cut where it is long. */
function safeText(text: string, max = MAX_STRING): string {
  const clean = SECRETS_IN_TEXT.reduce(
    (result, [pattern, replacement]) => result.replace(pattern, replacement),
    text.slice(0, SEARCHED),
  )
  if (text.length <= max) return clean.toWellFormed()
  const digest = hash('sha256', text)
  const kept = clean.slice(0, Math.min(KEPT_OF_LONG, max)).toWellFormed()
  return `${kept}… [${text.length} characters, sha256:${digest}]`
}

/** What canonical JSON can carry; the registry refuses the rest. */
function exact(value: number): boolean {
  return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value))
}

/** `X-Api-Key`, `api_key` and `apiKey` are one name. */
function normal(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '')
}
