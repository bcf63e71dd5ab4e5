// The real Envoy with a rendered configuration, and the SVIDs of both sides. argv: data folder, port.
import { join } from 'node:path'
import { ServerRecord } from '@gatehouse/contracts'
import { startEdge, type TestEdge } from '../test/support/envoy.ts'
import { TrustDomain } from '../test/support/svid.ts'
import { SERVER_ID, writeSvids } from './edge-svids.ts'

/** What stands behind the edge. */
export interface Behind {
  readonly record: unknown
  readonly issuer: string
  /** `https://HOST:PORT` of the server's mutual-TLS port. */
  readonly upstream: string
}

const [data = '', port = ''] = process.argv.slice(2)
const svids = await writeSvids(await TrustDomain.create(), data)
let edge: TestEdge | undefined
process.on('message', (behind: Behind) => {
  void start(behind).then((reply) => process.send?.({ reply }))
})
process.on('disconnect', () => {
  void Promise.resolve(edge?.stop()).finally(() => process.exit(0))
})
process.send?.({ serverFolder: svids.server })

/** No limit of the edge comes into play: what it costs is measured, and not when it refuses. */
const UNLIMITED = { perSecond: 1_000_000, burst: 1_000_000 }

async function start({ record, issuer, upstream }: Behind): Promise<string> {
  const { hostname, port: mtlsPort } = new URL(upstream)
  edge = await startEdge({
    port: Number(port),
    issuer,
    keysRefresh: 300,
    rates: { requests: UNLIMITED, calls: UNLIMITED },
    identity: {
      kind: 'files',
      certificate: join(svids.edge, 'svid.pem'),
      key: join(svids.edge, 'key.pem'),
      bundle: join(svids.edge, 'bundle.pem'),
    },
    servers: [
      {
        record: ServerRecord.parse(record),
        upstream: { kind: 'mutual-tls', host: hostname, port: Number(mtlsPort), spiffeId: SERVER_ID },
      },
    ],
  })
  return edge.url
}
