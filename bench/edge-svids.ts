import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SpiffeId } from '@gatehouse/contracts'
import type { ServerConfig } from '@gatehouse/kit'
import type { TrustDomain } from '../test/support/svid.ts'

export const EDGE_ID: SpiffeId = 'spiffe://gatehouse.local/edge'
export const SERVER_ID: SpiffeId = 'spiffe://gatehouse.local/server/bench'

/** Two SVIDs as files, each in a folder of its own, of which the edge takes one and the server the other. */
export async function writeSvids(domain: TrustDomain, folder: string): Promise<{ edge: string; server: string }> {
  const write = async (path: string): Promise<string> => {
    const { certificates, key } = await domain.svid(path, { life: 3600 })
    const own = join(folder, path.replaceAll('/', '-'))
    await mkdir(own, { recursive: true })
    await writeFile(join(own, 'svid.pem'), certificates)
    await writeFile(join(own, 'key.pem'), key)
    await writeFile(join(own, 'bundle.pem'), domain.bundle)
    return own
  }
  return { edge: await write('edge'), server: await write('server/bench') }
}

/** How a server behind the edge is started: its own mutual-TLS port, and no token from anybody but the edge. */
export function behindEdge(publicUrl: string, folder: string): Partial<ServerConfig> {
  const read = (name: string) => readFileSync(join(folder, name), 'utf8')
  const identity = {
    spiffeId: SERVER_ID,
    certificates: read('svid.pem'),
    key: read('key.pem'),
    bundles: new Map([['gatehouse.local', read('bundle.pem')]]),
    expiresAt: Date.now() + 3_600_000,
  }
  return {
    publicUrl,
    mtlsPort: 0,
    edgeId: EDGE_ID,
    workloadIdentity: {
      current: () => identity,
      onChange: () => () => undefined,
      verifyJwt: () => Promise.reject(new Error('no JWT-SVID is sent here')),
      close: () => undefined,
    },
  }
}
