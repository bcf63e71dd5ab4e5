import type { ServerRecord } from '@gatehouse/contracts'
import type { StoredVersion } from '../servers/stored-server.ts'

const SCHEMA = 'https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json'
/** `_meta` key of the registry specification. */
const OFFICIAL_META = 'io.modelcontextprotocol.registry/official'
/** `_meta` key of the governance record (REG-2). */
const GOVERNANCE_META = 'dev.gatehouse/governance'

/**
 * One item of the `/v0.1` API: server.json and, beside it, the registry's own words.
 * @param shown the record as the reader may see it: of its tools only those they may call
 */
export function serverResponse(version: StoredVersion, shown: ServerRecord) {
  const { name, title, description, support, url } = shown
  return {
    server: {
      $schema: SCHEMA,
      name,
      title,
      description,
      version: shown.version,
      ...(support.url !== undefined && { websiteUrl: support.url }),
      remotes: [{ type: 'streamable-http', url }],
    },
    _meta: {
      [OFFICIAL_META]: {
        status: isDeleted(shown) ? 'deleted' : 'active',
        publishedAt: version.publishedAt.toISOString(),
        updatedAt: version.updatedAt.toISOString(),
        isLatest: version.isLatest,
      },
      [GOVERNANCE_META]: shown,
    },
  }
}

/** The specification knows no suspension: to its clients a server that must not be used is a deleted one. */
export function isDeleted(record: ServerRecord): boolean {
  return record.status !== 'listed'
}
