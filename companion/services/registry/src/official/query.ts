import { HttpProblem } from '@gatehouse/kit'
import { z } from 'zod'
import type { Position, VersionFilter } from '../servers/version-store.ts'
import { decodeCursor } from './cursor.ts'

const DEFAULT_LIMIT = 30
const MAX_LIMIT = 100
const Flag = z.enum(['true', 'false', '1', '0']).transform((text) => text === 'true' || text === '1')

export interface ListQuery {
  readonly filter: VersionFilter
  readonly after: Position | undefined
  readonly limit: number
  readonly includeDeleted: boolean
}

/**
 * The parameters of `GET /v0.1/servers`. An empty one counts as absent.
 * @throws HttpProblem 400 `invalid_limit`, `invalid_cursor`, `invalid_updated_since`, `invalid_version`, `invalid_search`, `invalid_include_deleted`
 */
export function parseListQuery(parameters: Readonly<Record<string, string>>): ListQuery {
  const given = (name: string) => parameters[name] || undefined
  const cursor = given('cursor')
  const after = cursor === undefined ? undefined : decodeCursor(cursor)
  if (cursor !== undefined && !after) throw invalid('cursor', 'must be a nextCursor of this registry')
  const limit = checked(
    z.coerce.number().int().min(1).max(MAX_LIMIT),
    given('limit'),
    'limit',
    `must be from 1 to ${MAX_LIMIT}`,
  )
  const since = checked(
    z.iso.datetime({ offset: true }),
    given('updated_since'),
    'updated_since',
    'must be an RFC 3339 date-time',
  )
  return {
    filter: {
      search: checked(
        z.string().max(200).refine(isText),
        given('search'),
        'search',
        'must have 200 characters at most',
      ),
      version: checked(z.string().max(64).refine(isText), given('version'), 'version', 'must be latest or a version'),
      updatedSince: since === undefined ? undefined : new Date(since),
    },
    after,
    limit: limit ?? DEFAULT_LIMIT,
    // Whoever follows changes must learn of deletions (registry specification, include_deleted).
    includeDeleted: includeDeleted(parameters) || since !== undefined,
  }
}

/** @throws HttpProblem 400 `invalid_include_deleted` */
export function includeDeleted(parameters: Readonly<Record<string, string>>): boolean {
  return checked(Flag, parameters['include_deleted'] || undefined, 'include_deleted', 'must be true or false') ?? false
}

/** PostgreSQL text cannot hold U+0000. */
export function isText(text: string): boolean {
  return !text.includes('\0')
}

function checked<T>(schema: z.ZodType<T>, text: string | undefined, name: string, rule: string): T | undefined {
  if (text === undefined) return undefined
  const parsed = schema.safeParse(text)
  if (!parsed.success) throw invalid(name, rule)
  return parsed.data
}

function invalid(name: string, rule: string): HttpProblem {
  return new HttpProblem(400, `invalid_${name}`, `${name} ${rule}`)
}
