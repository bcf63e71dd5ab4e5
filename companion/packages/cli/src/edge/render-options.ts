import { ServerId, SpiffeId } from '@gatehouse/contracts'
import { CliError } from '../cli-error.ts'
import type { EdgeIdentity, EdgeOptions, Upstream } from './edge-options.ts'

/** A server of `--server`, before its record is known. */
export interface NamedServer {
  readonly id: string
  readonly upstream: Upstream
}

/**
 * `ID=unix:/PATH` or `ID=HOST:PORT,SPIFFE-ID`.
 * @throws CliError `usage`
 */
export function parseServer(text: string): NamedServer {
  const [, id = '', rest = ''] = /^([^=]*)=(.*)$/.exec(text) ?? []
  if (!ServerId.safeParse(id).success) throw usage(text, 'must begin with a server id and =')
  if (rest.startsWith('unix:/')) return { id, upstream: { kind: 'unix', path: rest.slice('unix:'.length) } }
  const [, host = '', port = '', spiffe = ''] = /^\[?([^,\]]+)\]?:(\d{1,5}),(.+)$/.exec(rest) ?? []
  const spiffeId = SpiffeId.safeParse(spiffe)
  if (host === '' || !spiffeId.success) throw usage(text, 'must be ID=unix:/PATH or ID=HOST:PORT,SPIFFE-ID')
  return { id, upstream: { kind: 'mutual-tls', host, port: portOf(port, text), spiffeId: spiffeId.data } }
}

/** `HOST:PORT`. @throws CliError `usage` */
export function parseListen(text: string): EdgeOptions['listen'] {
  const [, host, port] = /^\[?([^\]]+)\]?:(\d{1,5})$/.exec(text) ?? []
  if (host === undefined || port === undefined) throw new CliError('usage', '--listen must be HOST:PORT')
  return { host, port: portOf(port, text) }
}

/** What of the edge's identity is given. */
interface IdentityOptions {
  readonly 'spire-socket'?: string | undefined
  readonly 'spiffe-id'?: string | undefined
  readonly certificate?: string | undefined
  readonly key?: string | undefined
  readonly bundle?: string | undefined
}

/** @throws CliError `usage` where half of it is missing */
export function parseIdentity(options: IdentityOptions): EdgeIdentity | undefined {
  const { 'spire-socket': agentSocket, 'spiffe-id': id, certificate, key, bundle } = options
  if (agentSocket !== undefined) {
    const spiffeId = SpiffeId.safeParse(id)
    if (!spiffeId.success) throw new CliError('usage', '--spire-socket needs --spiffe-id, the id of the edge')
    return { kind: 'spire', agentSocket: agentSocket.replace(/^unix:(\/\/)?/, ''), spiffeId: spiffeId.data }
  }
  if (certificate === undefined && key === undefined && bundle === undefined) return undefined
  if (certificate === undefined || key === undefined || bundle === undefined)
    throw new CliError('usage', '--certificate, --key and --bundle belong together')
  return { kind: 'files', certificate, key, bundle }
}

function portOf(text: string, whole: string): number {
  const port = Number(text)
  if (port < 1 || port > 65_535) throw usage(whole, 'has no port from 1 to 65535')
  return port
}

function usage(text: string, fault: string): CliError {
  return new CliError('usage', `--server: ${JSON.stringify(text)} ${fault}`)
}
