import type { ServerRecord } from '@gatehouse/contracts'
import { EdgeError } from './edge-error.ts'
import type { EdgeOptions, EdgeServer, Upstream } from './edge-options.ts'

/** A server as the edge knows it: the paths by which clients ask for it, and what stands behind them. */
export interface EdgeRoute {
  readonly id: string
  readonly record: ServerRecord
  readonly upstream: Upstream
  /** Path before `/mcp`; empty for a server at the root. */
  readonly base: string
  /** Path of the MCP endpoint. */
  readonly path: string
  /** Path of its metadata (RFC 9728 section 3.1). */
  readonly metadata: string
  readonly metadataUrl: string
}

const ENDPOINT = '/mcp'

/** @throws EdgeError `record_not_listed`, `record_environment`, `record_address`, `edge_identity_missing` */
export function edgeRoutes(options: EdgeOptions): readonly EdgeRoute[] {
  const routes = options.servers.map((server) => edgeRoute(server, options))
  const taken = new Map<string, string>()
  for (const { id, path } of routes) {
    const other = taken.get(path)
    if (other !== undefined) throw new EdgeError('record_address', `${other} and ${id} have the same URL`)
    taken.set(path, id)
  }
  return routes
}

function edgeRoute({ record, upstream }: EdgeServer, options: EdgeOptions): EdgeRoute {
  const { id, status, environment, url } = record
  if (status !== 'listed') throw new EdgeError('record_not_listed', `${id} is ${status}: it gets no traffic`)
  if (environment !== options.environment)
    throw new EdgeError(
      'record_environment',
      `${id} is recorded for ${environment}, and this edge is for ${options.environment}`,
    )
  const { origin, pathname, search } = new URL(url)
  if (origin !== new URL(options.publicUrl).origin || !pathname.endsWith(ENDPOINT) || search !== '')
    throw new EdgeError(
      'record_address',
      `the record of ${id} has the URL ${url}, which is not below ${options.publicUrl} and does not end in ${ENDPOINT}`,
    )
  if (upstream.kind === 'mutual-tls' && !options.identity)
    throw new EdgeError(
      'edge_identity_missing',
      `${id} is reached over mutual TLS, and the edge has no identity to show`,
    )
  const metadata = `/.well-known/oauth-protected-resource${pathname}`
  return {
    id,
    record,
    upstream,
    base: pathname.slice(0, -ENDPOINT.length),
    path: pathname,
    metadata,
    metadataUrl: `${origin}${metadata}`,
  }
}
