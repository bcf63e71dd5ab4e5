import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EDGE_HEADERS, FOREIGN_IDENTITY_HEADERS } from '@gatehouse/contracts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verifies } from '../../requirements.ts'
import { startWorld, until, type World } from '../../support/fixture-world.ts'
import { TrustDomain } from '../../support/svid.ts'
import { TestIdentity } from '../../support/test-identity.ts'
import { ask, edgeHeaders, type Way } from './wire.ts'

/** A server behind an edge, which reaches it over a socket file and over mutual TLS. */
let folder: string
let world: World
let domain: TrustDomain
let identity: TestIdentity
let ways: { socket: Way; tls: Way; plain: Way; workload: Way }
let token: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-edge-'))
  domain = await TrustDomain.create()
  identity = await TestIdentity.of(domain, 'server/fixture')
  const edgeSocket = join(folder, 'run', 'edge.sock')
  world = await startWorld({
    edgeSocket,
    edgeId: domain.id('edge'),
    mtlsPort: 0,
    workloadIdentity: identity,
  })
  const tls = { kind: 'tls', url: world.server.mtlsUrl ?? '', authority: domain.bundle } as const
  ways = {
    socket: { kind: 'socket', path: edgeSocket, host: new URL(world.url).host },
    tls: { ...tls, svid: await domain.svid('edge') },
    plain: { kind: 'plain', url: world.url },
    workload: { ...tls, svid: await domain.svid('nightly') },
  }
  token = await world.issuer.token(world.url)
})
afterAll(async () => {
  await world.stop()
  await rm(folder, { recursive: true, force: true })
})

const bearer = (text: string) => [['Authorization', `Bearer ${text}`]] as const
/** The refusals of a code that are in the audit, once what is on its way has arrived. */
async function audited(code: string, before: number): Promise<number> {
  const count = () => world.registry.audit.filter(({ outcome }) => outcome === code).length
  await until(() => count() > before)
  return count()
}
const refusals = (code: string) => world.registry.audit.filter(({ outcome }) => outcome === code).length

describe.each(['socket', 'tls'] as const)('over the %s of the edge', (way) => {
  it('the person of the token is who the edge says, without the signature being verified again', async () => {
    verifies('AUTH-7.2')
    const answer = await ask(ways[way], { headers: [...edgeHeaders(token), ...bearer(token)] })
    expect(answer.body).toContain('x')
    expect(answer.status).toBe(200)
    expect(answer.code).toBeUndefined()
    // Only an edge is believed so: its signature is not looked at here.
    const [header, payload] = token.split('.')
    const unsigned = `${header}.${payload}.${'A'.repeat(86)}`
    expect((await ask(ways[way], { headers: [...edgeHeaders(unsigned), ...bearer(unsigned)] })).status).toBe(200)
  })
})

describe('the plain listener', () => {
  it('serves health, metrics and what is well known, and no call', async () => {
    verifies('AUTH-7.3')
    const before = refusals('edge_required')
    const answer = await ask(ways.plain, { headers: bearer(token) })
    expect([answer.status, answer.code]).toEqual([403, 'edge_required'])
    expect(await audited('edge_required', before)).toBe(before + 1)
    for (const path of ['/healthz', '/metrics', '/.well-known/oauth-protected-resource/mcp'])
      expect((await fetch(`${world.server.url}${path}`)).status, path).toBe(200)
  })
})

void [stat, writeFile, EDGE_HEADERS, FOREIGN_IDENTITY_HEADERS]
