import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { verifies } from '../requirements.ts'
import { type EdgeWorld, echo, startEdgeWorld } from '../support/edge-world.ts'
import { until } from '../support/fixture-world.ts'
import { TrustDomain } from '../support/svid.ts'

/** Mutual TLS between the edge and servers whose certificates are right or wrong. */
let folder: string
let domain: TrustDomain
let identity: { kind: 'files'; certificate: string; key: string; bundle: string }
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-mesh-'))
  domain = await TrustDomain.create('company.example')
  identity = await edgeFiles()
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function edgeFiles() {
  const svid = await domain.svid('edge')
  const place = join(folder, 'edge')
  await mkdir(place, { recursive: true })
  const files = { certificate: join(place, 'svid.pem'), key: join(place, 'key.pem'), bundle: join(place, 'bundle.pem') }
  await writeFile(files.certificate, svid.certificates)
  await writeFile(files.key, svid.key, { mode: 0o600 })
  await writeFile(files.bundle, domain.bundle)
  return { kind: 'files', ...files } as const
}

/** A server that is `path` of a trust domain, and asks who calls. */
async function startServer(path: string, of = domain) {
  const svid = await of.svid(path)
  const callers: string[] = []
  const server = createServer(
    { cert: svid.certificates, key: svid.key, ca: domain.bundle, requestCert: true, rejectUnauthorized: true },
    (request, response) => {
      callers.push((request.socket as TLSSocket).getPeerCertificate().subjectaltname ?? '')
      echo(request, response)
    },
  ).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, callers, stop: () => void server.close() }
}

async function statusThrough(world: EdgeWorld) {
  const response = await fetch(world.url, { headers: { authorization: `Bearer ${await world.token()}` } })
  await response.arrayBuffer()
  return [response.status, response.headers.get('x-gatehouse-refusal')]
}

describe('an edge over mutual TLS', () => {
  test('shows who it is, and reaches the server that is meant', async () => {
    verifies('AUTH-7.7')
    const server = await startServer('presto')
    const upstream = {
      kind: 'mutual-tls',
      host: '127.0.0.1',
      port: server.port,
      spiffeId: domain.id('presto'),
    } as const
    const world = await startEdgeWorld({}, { identity }, echo, upstream)
    expect(await statusThrough(world)).toEqual([200, null])
    expect(server.callers.at(-1)).toBe('URI:spiffe://company.example/edge')
    await world.stop()
    server.stop()
  })

  test.each([
    ['another server of the same trust domain', async () => startServer('runbooks')],
    ['a server of a longer name', async () => startServer('presto/other')],
    [
      'the same name of another authority',
      async () => startServer('presto', await TrustDomain.create('company.example')),
    ],
  ])('sends nothing to %s', async (_name, start) => {
    verifies('AUTH-7.7')
    const server = await start()
    const upstream = {
      kind: 'mutual-tls',
      host: '127.0.0.1',
      port: server.port,
      spiffeId: domain.id('presto'),
    } as const
    const world = await startEdgeWorld({}, { identity }, echo, upstream)
    expect(await statusThrough(world)).toEqual([503, 'server_unreachable'])
    expect(server.callers).toEqual([])
    await until(() => String(world.edge.refusals().at(-1)?.['upstreamFault']).includes('CERTIFICATE_VERIFY_FAILED'))
    await world.stop()
    server.stop()
  })
})
