import type { CallerName } from './callers.ts'
import type { Era } from './client.ts'
import type { ServerName } from './servers/definitions.ts'

/** What a caller wants of a server. */
export interface Use {
  readonly kind: 'tool' | 'prompt' | 'resource'
  /** As the record and the policy know it. */
  readonly name: string
  /** Of a resource, or one of those under a template. */
  readonly uri?: string
  /** Whether it stands in the list of templates. */
  readonly template?: true
  readonly arguments?: Readonly<Record<string, unknown>>
}

export type Expected =
  | { readonly kind: 'allowed' }
  | {
      readonly kind: 'refused'
      readonly code: string
      readonly reason: string
      /** The rule of the decision, which the audit names; undefined where the decision was a yes and something else was in the way. */
      readonly rule: string | undefined
      /** Whether the caller has the thing in a list all the same. */
      readonly listed: boolean
      /** HTTP status, where it is refused before a result. */
      readonly status: number
    }

export interface AccessCase {
  readonly id: string
  readonly caller: CallerName
  readonly server: ServerName
  readonly use: Use
  readonly expected: Expected
  readonly eras: readonly Era[]
}

export const tool = (name: string, args?: Readonly<Record<string, unknown>>): Use => ({
  kind: 'tool',
  name,
  ...(args && { arguments: args }),
})
export const prompt = (name: string): Use => ({ kind: 'prompt', name })
export const resource = (name: string, uri: string): Use => ({ kind: 'resource', name, uri })
export const template = (name: string, uri: string): Use => ({ kind: 'resource', name, uri, template: true })

/** Allowed. */
export const YES: Expected = { kind: 'allowed' }

/** Refused by the server itself, whatever is asked of it: before the body is read. */
export const outside = (rule: string, reason: string): Expected =>
  refusal({ rule, code: 'denied', reason, status: 403 })
/** Not this caller's: refused, and in no list. */
export const no = (rule: string, reason: string): Expected => refusal({ rule, code: 'denied', reason })
/** As of a thing that is not there: what a caller may not know of looks like what does not exist. */
export const unknown = (kind: Use['kind'], rule: string): Expected =>
  refusal({ rule, code: `unknown_${kind}`, reason: `unknown ${kind}` })
/** In the list, since the arguments alone are wrong, or a person has to agree. */
export const noThisTime = (rule: string | undefined, code: string, reason: string): Expected =>
  refusal({ rule, code, reason, listed: true })
/** In the list, and to be had with a wider token. */
export const scopes = (kind: Use['kind'], reason: string): Expected =>
  refusal({ rule: `${kind}-policy-scopes`, code: 'insufficient_scope', reason, listed: true, status: 403 })

function refusal(fields: {
  rule: string | undefined
  code: string
  reason: string
  listed?: boolean
  status?: number
}): Expected {
  return { kind: 'refused', listed: false, status: 200, ...fields }
}

/** A matrix: each row is one thing that a server offers, each column a caller, each cell what is to come of it. */
export function matrix<const Columns extends readonly CallerName[]>(
  server: ServerName,
  columns: Columns,
  rows: readonly (readonly [Use, ...{ readonly [K in keyof Columns]: Expected }])[],
): AccessCase[] {
  return rows.flatMap(([use, ...cells]) =>
    columns.flatMap((caller, index) => {
      const expected = (cells as readonly Expected[])[index]
      return expected ? [accessCase(server, caller, use, expected)] : []
    }),
  )
}

/** Callers who are all told the same, whatever they ask for. */
export function everything(
  server: ServerName,
  uses: readonly Use[],
  callers: Partial<Record<CallerName, Expected>>,
): AccessCase[] {
  return Object.entries(callers).flatMap(([caller, expected]) =>
    uses.map((use) => accessCase(server, caller as CallerName, use, expected)),
  )
}

const ERAS: readonly Era[] = ['modern', 'legacy']

function accessCase(server: ServerName, caller: CallerName, use: Use, expected: Expected): AccessCase {
  const { kind, name, uri, arguments: args } = use
  const what = [server, kind, kind === 'resource' ? `${name} ${uri}` : name, ...(args ? [JSON.stringify(args)] : [])]
  return { id: `${caller}: ${what.join(' ')}`, caller, server, use, expected, eras: ERAS }
}
