import { startServer } from '@gatehouse/kit'
import { until } from '../support/fixture-world.ts'
import { startGround } from './ground.ts'
import { recordOf } from './record.ts'
import { SERVER_NAMES, type ServerName } from './servers/definitions.ts'
import type { Shape } from './shape.ts'
import { freePort } from '../../scripts/free-port.ts'

/** Each server on a plain port of its own: it verifies tokens itself. */
export async function startKitShape(): Promise<Shape> {
  const ground = await startGround()
  const { servers, registry } = ground
  const places = new Map(
    await Promise.all(
      SERVER_NAMES.map(async (name) => {
        const mtlsPort = await freePort()
        const server = await startServer(servers[name].definition, {
          ...(await ground.config(name)),
          host: '127.0.0.1',
          port: 0,
          mtlsPort,
        })
        const endpoint = `${server.url}/mcp`
        registry.answer({ kind: 'signed', record: recordOf(servers[name], endpoint), life: 600 }, name)
        await until(async () => (await fetch(`${server.url}/readyz`)).ok)
        return [name, { server, endpoint, workloadEndpoint: `https://127.0.0.1:${mtlsPort}/mcp` }] as const
      }),
    ),
  )
  const at = (name: ServerName) => {
    const place = places.get(name)
    if (!place) throw new TypeError(`there is no server ${name}`)
    return place
  }
  return {
    ...ground,
    kind: 'kit',
    endpoint: (name) => at(name).endpoint,
    workloadEndpoint: (name) => at(name).workloadEndpoint,
    audit: registry.audit,
    async stop() {
      await Promise.all([...places.values()].map(({ server }) => server.stop()))
      await ground.stop()
    },
  }
}
