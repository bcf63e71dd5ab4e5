import { sampleRecord } from '../support/sample-record.ts'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  digestOf,
  type ListedServer,
  promptDigest,
  resourceDigest,
  type ServerRecord,
  toolDigest,
} from '@gatehouse/contracts'
import { SignJWT, calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose'
import type { Catalog, CatalogState } from '../../src/catalog/types.ts'
import { createConnections } from '../../src/connections/connections.ts'
import type {
  Connections,
  Elicitation,
  ElicitationAnswer,
  ToolCall,
  ToolOutcome,
  ToolProgress,
} from '../../src/connections/types.ts'
import { createPlans } from '../../src/plans/plans.ts'
import type { Plans } from '../../src/plans/types.ts'
import type { DeviceKey, Session, SessionState } from '../../src/session/types.ts'
import { SEAL_KEY } from '../plans/proposing.ts'
import { type Fixture, type Misbehaviour, startFixture } from './fixture-server.ts'

/** A signed-in person with a list of one server, a fixture server on real HTTP, and the real plans and connections between them. */
export interface World {
  readonly fixture: Fixture
  plans: Plans
  connections: Connections
  readonly catalog: TestCatalog
  readonly session: TestSession
  readonly elicited: Elicitation[]
  answer: ElicitationAnswer
  call(tool: string, args: Record<string, unknown>, extra?: Partial<ToolCall>): Promise<ToolOutcome>
  /** Steps in the panel once there are `count`. */
  steps(count: number): Promise<string[]>
  /** What a window reload does: all of the extension's state is gone but what is on disk. */
  reload(): Promise<void>
  stop(): Promise<void>
}

interface TestCatalog extends Catalog {
  show(state: CatalogState): void
  readonly record: ServerRecord
}

interface TestSession extends Session {
  become(state: SessionState): void
  readonly forgotten: string[]
}

export async function startWorld(behaviour: Misbehaviour = {}): Promise<World> {
  const key = await deviceKey()
  const fixture = await startFixture({ ...behaviour, thumbprint: key.thumbprint })
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-world-'))
  const catalog = testCatalog(recordOf(fixture))
  const session = testSession(key)
  const elicited: Elicitation[] = []
  const open = () => {
    const plans = createPlans({ folder, sealKey: SEAL_KEY, log: () => undefined })
    const connections = createConnections({
      catalog,
      session,
      plans,
      clientInfo: { name: 'gatehouse-vscode', version: '0' },
      elicit: async (elicitation) => {
        elicited.push(elicitation)
        return world.answer
      },
      log: () => undefined,
      limits: { connect: 5000, silence: 500, call: 30_000, grace: 200, pause: 20 },
    })
    return { plans, connections }
  }
  const world: World = {
    fixture,
    ...open(),
    catalog,
    session,
    elicited,
    answer: { action: 'decline' },
    call: (tool, args, extra = {}) =>
      world.connections.call({
        server: 'fixture',
        tool,
        arguments: args,
        origin: { door: 'chat', conversation: 'c1', request: 'r1' },
        signal: new AbortController().signal,
        ...extra,
      }),
    async steps(count) {
      const all = () => world.plans.entries().flatMap(({ plan }) => plan.steps.map(({ id }) => id))
      await until(() => all().length >= count)
      return all()
    },
    async reload() {
      world.plans.dispose()
      await world.connections.dispose()
      Object.assign(world, open())
    },
    async stop() {
      world.plans.dispose()
      await world.connections.dispose()
      await fixture.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  return world
}

export async function until(holds: () => boolean, limit = 5000): Promise<void> {
  const end = Date.now() + limit
  while (!holds()) {
    if (Date.now() > end) throw new Error('did not come to hold in time')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

export function progressLog(): { seen: ToolProgress[]; onProgress: (progress: ToolProgress) => void } {
  const seen: ToolProgress[] = []
  return { seen, onProgress: (progress) => void seen.push(progress) }
}

export function recordOf(fixture: Fixture): ServerRecord {
  return sampleRecord('fixture', {
    title: 'Fixture',
    url: fixture.url,
    clients: [],
    surfaceDigest: digestOf('surface'),
    instructionsDigest: digestOf('Be kind.'),
    tools: fixture.tools.map((tool) => ({
      name: tool.name,
      digest: toolDigest(tool),
      effect: fixture.effects[tool.name] ?? 'read',
      groups: [],
      minutesSaved: 0,
    })),
    prompts: fixture.readables.prompts.map((prompt) => ({
      name: prompt.name,
      digest: promptDigest(prompt),
      groups: [],
    })),
    resources: fixture.readables.resources.map((resource) => {
      const { name, uri, uriTemplate } = resource
      return { name, uri, uriTemplate, digest: resourceDigest(resource), groups: [] }
    }),
  })
}

export function ready(servers: readonly ListedServer[], version = 'v1'): CatalogState {
  return { kind: 'ready', servers, fetchedAt: 0, expiresAt: Number.MAX_SAFE_INTEGER, version }
}

export function testCatalog(record: ServerRecord): TestCatalog {
  let state: CatalogState = ready([{ access: 'allowed', record }])
  const listeners = new Set<(state: CatalogState) => void>()
  return {
    record,
    state: () => state,
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    refresh: async () => state,
    find(id) {
      if (state.kind !== 'ready') return undefined
      const found = state.servers.find((server) => server.access === 'allowed' && server.record.id === id)
      return found?.access === 'allowed' ? found : undefined
    },
    dispose: () => listeners.clear(),
    show(next) {
      state = next
      for (const listener of [...listeners]) listener(next)
    },
  }
}

/** Somebody who is signed in, with no identity provider: tokens and proofs are not part of these tests. */
export function testSession(key: DeviceKey): TestSession {
  let state: SessionState = {
    kind: 'signed-in',
    account: { subject: 'ada', name: 'Ada', groups: ['ads'], issuer: 'http://issuer' },
  }
  const listeners = new Set<(state: SessionState) => void>()
  const forgotten: string[] = []
  return {
    forgotten,
    restored: Promise.resolve(),
    clientId: () => 'gatehouse-vscode',
    state: () => state,
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    signIn: () => Promise.reject(new Error('not in this test')),
    signOut: async () => undefined,
    tokenFor: async () => ({ token: 'token', expiresAt: 0 }),
    forget: (resource) => void forgotten.push(resource),
    deviceKey: async () => key,
    fetchFor: () => fetch,
    dispose: () => undefined,
    become(next) {
      state = next
      for (const listener of [...listeners]) listener(next)
    },
  }
}

export async function deviceKey(): Promise<DeviceKey> {
  const pair = await generateKeyPair('ES256', { extractable: true })
  const { kty = 'EC', crv = '', x = '', y = '' } = await exportJWK(pair.publicKey)
  const publicJwk = { kty, crv, x, y }
  return {
    thumbprint: await calculateJwkThumbprint(publicJwk),
    publicJwk,
    sign: (typ, claims) =>
      new SignJWT({ ...claims }).setProtectedHeader({ alg: 'ES256', typ, jwk: publicJwk }).sign(pair.privateKey),
    proof: () => Promise.reject(new Error('not in this test')),
  }
}
