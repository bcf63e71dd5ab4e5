import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeConfig } from '../../companion/packages/cli/src/edge/config-files.ts'
import type { EdgeOptions, EdgeServer } from '../../companion/packages/cli/src/edge/edge-options.ts'
import { findEnvoy } from '../../companion/packages/cli/src/edge/envoy-binary.ts'
import { startEnvoy } from '../../companion/packages/cli/src/edge/envoy-process.ts'
import { renderEnvoy } from '../../companion/packages/cli/src/edge/render-envoy.ts'
import { until } from './fixture-world.ts'

export interface TestEdgeOptions extends Partial<Omit<EdgeOptions, 'issuer' | 'listen' | 'publicUrl' | 'folder'>> {
  /** Where it listens on this machine; settled before, since the records of the servers name it. */
  readonly port: number
  /** URL of a test issuer. */
  readonly issuer: string
  readonly servers: readonly EdgeServer[]
}

/** One line of the access log. */
type AccessLine = Readonly<Record<string, unknown>>

/** A real Envoy with a rendered configuration. */
export interface TestEdge {
  /** `http://127.0.0.1:PORT` */
  readonly url: string
  /** Lines so far; Envoy writes them a moment after the answer. */
  accessLog(): readonly AccessLine[]
  /** Those of requests that the edge itself refused. */
  refusals(): readonly AccessLine[]
  /** Called with each further line of the access log, as it was written. */
  onAccess(listener: (line: string) => void): void
  /** Other records or settings: written, and taken over by the running Envoy a moment later. */
  render(options: Omit<TestEdgeOptions, 'port'>): Promise<void>
  readonly pid: number
  stop(): Promise<void>
}

export async function startEdge(options: TestEdgeOptions): Promise<TestEdge> {
  const binary = await findEnvoy((line) => console.error(line))
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-edge-'))
  const url = `http://127.0.0.1:${options.port}`
  const lines: AccessLine[] = []
  const log: string[] = []
  const listeners: ((line: string) => void)[] = []
  const render = async (given: Omit<TestEdgeOptions, 'port'>): Promise<void> => {
    const config = renderEnvoy({
      environment: 'dev',
      // Keys change in the middle of some tests.
      keysRefresh: 1,
      ...given,
      folder,
      publicUrl: url,
      listen: { host: '127.0.0.1', port: options.port },
      issuer: { issuer: given.issuer, jwksUri: `${given.issuer}/jwks` },
    })
    await writeConfig(folder, config)
  }
  await render(options)
  const envoy = startEnvoy({
    binary,
    folder,
    onAccess(line) {
      lines.push(JSON.parse(line) as AccessLine)
      for (const tell of listeners) tell(line)
    },
    onLog: (line) => log.push(line),
  })
  const stop = async () => {
    await envoy.stop()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await Promise.race([
      until(() => answers(`${url}/healthz`)),
      envoy.ended.then((how) => {
        throw new Error(`Envoy ${how}`)
      }),
    ])
  } catch (cause) {
    await stop()
    throw new Error(`Envoy does not serve:\n${log.join('\n')}`, { cause })
  }
  const ofCallers = () => lines.filter(({ path }) => path !== '/healthz')
  return {
    url,
    pid: envoy.pid,
    accessLog: ofCallers,
    refusals: () => ofCallers().filter(({ code }) => code !== null),
    onAccess: (listener) => void listeners.push(listener),
    render,
    stop,
  }
}

function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    (response) => response.ok,
    () => false,
  )
}
