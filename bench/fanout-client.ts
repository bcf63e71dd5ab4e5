// Child process of bench/fanout.ts, fresh for each run as a window is: one client that meets all servers at once.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { digestOf, type ListedServer, toolDigest } from '@gatehouse/contracts'
import { Client, preloadSchemas, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import type { Catalog, CatalogState } from '../src/catalog/types.ts'
import { createConnections } from '../src/connections/connections.ts'
import { createPlans } from '../src/plans/plans.ts'
import { authorizedFetch } from '../src/session/authorized-fetch.ts'
import { generateKey, openKey } from '../src/session/device-key.ts'
import type { DeviceKey, Session } from '../src/session/types.ts'
import { sampleRecord } from '../test/support/sample-record.ts'
import type { FanoutAsk, FanoutServer, FanoutTimes } from './fanout-peer.ts'

/** As long as an access token of the local identity provider is. */
const TOKEN = 'x'.repeat(900)

process.on('unhandledRejection', (error) => {
  process.stderr.write(`unhandled rejection: ${String(error)}\n`)
  process.exit(1)
})
process.once('message', (asked: FanoutAsk) => void answer(asked))
process.send?.('ready')

async function answer({ client, servers }: FanoutAsk): Promise<void> {
  process.send?.(await (client === 'gatehouse' ? withGatehouse(servers) : withSdk(servers)))
  process.disconnect()
}

/** The embedded client: a person signed in, a list at hand, a token for each server, nothing connected, the window at rest. Every request carries a proof of its own. */
async function withGatehouse(servers: readonly FanoutServer[]): Promise<FanoutTimes> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-fanout-'))
  const key = await openKey(await generateKey(), Date.now)
  const plans = createPlans({ folder, sealKey: crypto.getRandomValues(new Uint8Array(32)), log: () => undefined })
  const connections = createConnections({
    catalog: catalogOf(servers),
    session: sessionWith(key),
    plans,
    clientInfo: { name: 'gatehouse-vscode', version: '0' },
    elicit: () => Promise.resolve({ action: 'decline' }),
    log: () => undefined,
  })
  await turn()
  const times = await timed(servers, async ({ id }) => void (await connections.tools(id)))
  for (const { id } of servers.filter((server) => times[server.id]?.code === undefined)) {
    const signal = new AbortController().signal
    const outcome = await connections.call({
      server: id,
      tool: 'tool_0',
      arguments: { table: 't' },
      origin: { door: 'chat' },
      signal,
    })
    if (outcome.isError) throw new Error(`${id} was not usable: ${outcome.text}`)
  }
  await connections.dispose()
  plans.dispose()
  rmSync(folder, { recursive: true, force: true })
  return times
}

/** The baseline: the SDK's own client, without a token, that connects and lists and checks nothing. */
function withSdk(servers: readonly FanoutServer[]): Promise<FanoutTimes> {
  preloadSchemas()
  return timed(servers, async ({ url }) => {
    const client = new Client({ name: 'baseline', version: '0' }, { versionNegotiation: { mode: 'auto' } })
    await client.connect(new StreamableHTTPClientTransport(new URL(url)), { timeout: 10_000 })
    await client.listTools(undefined, { timeout: 10_000 })
  })
}

async function timed(
  servers: readonly FanoutServer[],
  use: (server: FanoutServer) => Promise<void>,
): Promise<FanoutTimes> {
  const start = performance.now()
  const entries = servers.map(async (server) => {
    try {
      await use(server)
      return [server.id, { at: performance.now() - start }] as const
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
      return [server.id, { at: performance.now() - start, code }] as const
    }
  })
  return Object.fromEntries(await Promise.all(entries))
}

function catalogOf(servers: readonly FanoutServer[]): Catalog {
  const listed = servers.map(({ id, url, tools }): ListedServer & { access: 'allowed' } => ({
    access: 'allowed',
    record: sampleRecord(id, {
      url,
      surfaceDigest: digestOf(id),
      tools: tools.map((tool) => ({
        name: tool.name,
        digest: toolDigest(tool),
        effect: 'read',
        groups: [],
        minutesSaved: 0,
      })),
    }),
  }))
  const state: CatalogState = {
    kind: 'ready',
    servers: listed,
    fetchedAt: 0,
    expiresAt: Number.MAX_SAFE_INTEGER,
    version: '1',
  }
  return {
    state: () => state,
    onChange: () => () => undefined,
    refresh: () => Promise.resolve(state),
    find: (id) => listed.find(({ record }) => record.id === id),
    dispose: () => undefined,
  }
}

function sessionWith(key: DeviceKey): Session {
  const nonces = new Map<string, string>()
  const tokenFor = () => Promise.resolve({ token: TOKEN, scheme: 'DPoP' as const, expiresAt: Number.MAX_SAFE_INTEGER })
  const account = { subject: 'ada', name: 'Ada', groups: [], issuer: 'http://127.0.0.1' }
  return {
    state: () => ({ kind: 'signed-in', account }),
    restored: Promise.resolve(),
    clientId: () => 'gatehouse-vscode',
    onChange: () => () => undefined,
    signIn: () => Promise.resolve(account),
    signOut: () => Promise.resolve(),
    tokenFor,
    forget: () => undefined,
    deviceKey: () => Promise.resolve(key),
    fetchFor: (resource) =>
      authorizedFetch({
        resource,
        fetch,
        tokenFor,
        reject: () => undefined,
        widen: () => Promise.reject(new Error('no server asks for more')),
        key: () => Promise.resolve(key),
        nonces,
      }),
    dispose: () => undefined,
  }
}
