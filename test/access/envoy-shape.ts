import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type RunningServer, startServer } from '@gatehouse/kit'
import { createShipper } from '@gatehouse/kit/edge'
import type { ServerRecord } from '@gatehouse/contracts'
import { createEdgeAudit } from '../../companion/packages/cli/src/edge/refusal-audit.ts'
import { startEdge, type TestEdge } from '../support/envoy.ts'
import { until } from '../support/fixture-world.ts'
import { startGround } from './ground.ts'
import { recordOf } from './record.ts'
import { SERVER_NAMES, type ServerName } from './servers/definitions.ts'
import type { Shape } from './shape.ts'
import { freePort } from '../../scripts/free-port.ts'

interface Place {
  readonly server: RunningServer
  readonly record: ServerRecord
  readonly socket: string
  readonly workloadEndpoint: string
}

/** The same servers behind the real Envoy, each on a socket that the edge alone opens; an edge for each environment, since it never mixes them. */
export async function startEnvoyShape(): Promise<Shape> {
  const ground = await startGround()
  const { servers, registry, issuer, data } = ground
  const ports = { dev: await freePort(), production: await freePort() }
  const sockets = join(data, 'sockets')
  await mkdir(sockets, { mode: 0o700 })

  async function place(name: ServerName): Promise<Place> {
    const { environment = 'dev' } = servers[name].governance
    const publicUrl = `http://127.0.0.1:${ports[environment]}/${name}`
    const record = recordOf(servers[name], `${publicUrl}/mcp`)
    registry.answer({ kind: 'signed', record, life: 600 }, name)
    const socket = join(sockets, name)
    const mtlsPort = await freePort()
    const server = await startServer(servers[name].definition, {
      ...(await ground.config(name)),
      host: '127.0.0.1',
      port: 0,
      publicUrl,
      edgeSocket: socket,
      mtlsPort,
    })
    return { server, record, socket, workloadEndpoint: `https://127.0.0.1:${mtlsPort}/mcp` }
  }
  const places = new Map(
    await Promise.all(SERVER_NAMES.map(async (name): Promise<[ServerName, Place]> => [name, await place(name)])),
  )
  const all = [...places.values()]

  const ship = createShipper({ registry: registry.url, token: registry.intakeToken })
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
  const audit = createEdgeAudit({ records: () => all.map(({ record }) => record), ship, log })
  const edges: TestEdge[] = await Promise.all(
    (['dev', 'production'] as const).map((environment) =>
      startEdge({
        port: ports[environment],
        environment,
        issuer: issuer.url,
        servers: all
          .filter(({ record }) => record.environment === environment)
          .map(({ record, socket }) => ({ record, upstream: { kind: 'unix', path: socket } })),
      }),
    ),
  )
  for (const edge of edges) edge.onAccess((line) => audit.take(line))
  await Promise.all(all.map(({ record }) => until(() => reaches(record.url))))

  const at = (name: ServerName): Place => {
    const found = places.get(name)
    if (!found) throw new TypeError(`there is no server ${name}`)
    return found
  }
  return {
    ...ground,
    kind: 'envoy',
    endpoint: (name) => at(name).record.url,
    workloadEndpoint: (name) => at(name).workloadEndpoint,
    audit: registry.audit,
    async stop() {
      await Promise.all(edges.map((edge) => edge.stop()))
      await audit.stop()
      await Promise.all(all.map(({ server }) => server.stop()))
      await ground.stop()
    },
  }
}

/** Whether the server behind the edge is ready: its record is served where it holds one. */
async function reaches(url: string): Promise<boolean> {
  const response = await fetch(`${url.slice(0, -'/mcp'.length)}/.well-known/gatehouse-server`)
  const body = (await response.json()) as { readonly state?: { readonly kind?: string } }
  return response.ok && body.state?.kind === 'serving'
}
