import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startRegistry } from '@gatehouse/registry'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { freePort } from '../../scripts/free-port.ts'
import type { SessionOptions } from '../../src/session/options.ts'
import { loopbackRedirect } from '../../src/session/redirect/loopback.ts'
import { pastedRedirect } from '../../src/session/redirect/pasted.ts'
import { uriHandlerRedirect } from '../../src/session/redirect/uri-handler.ts'
import { createSession } from '../../src/session/session.ts'
import type { Session } from '../../src/session/types.ts'
import { verifies } from '../requirements.ts'
import { eventually } from '../support/browser.ts'
import { Device } from '../support/device.ts'
import { startWorld, type World } from '../support/fixture-world.ts'
import { type Keycloak, signInAtKeycloak, startKeycloak } from '../support/keycloak.ts'
import { modernRpc } from '../support/modern-rpc.ts'
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts'
import { MemoryStore } from '../support/session-window.ts'

/** The editor's own session, the real registry and two servers of the kit, at a real Keycloak. */
let keycloak: Keycloak
let postgres: TestPostgres
let registry: Awaited<ReturnType<typeof startRegistry>>
/** For ads and finance, and for finance alone. */
let open: World
let finance: World
beforeAll(async () => {
  const port = await freePort()
  const issuer = `http://127.0.0.1:${port}/realms/gatehouse`
  postgres = await startTestPostgres()
  const quiet = { debug() {}, info() {}, warn() {}, error() {} }
  registry = await startRegistry(
    { host: '127.0.0.1', port: 0, issuer, databaseUrl: await postgres.databaseUrl('registry') },
    { log: quiet },
  )
  open = await startWorld({ issuer })
  finance = await startWorld({ issuer }, { record: { groups: ['finance'] } })
  keycloak = await startKeycloak({
    port,
    registry: registry.url,
    servers: [open.url],
    people: [
      { user: 'ada', name: ['Ada', 'Adeyemi'], groups: ['ads'] },
      { user: 'finn', name: ['Finn', 'Fischer'], groups: ['finance'] },
    ],
  })
}, 900_000)
afterAll(async () => {
  await keycloak?.dispose()
  await Promise.all([open?.stop(), finance?.stop(), registry?.stop()])
  await postgres?.stop()
}, 120_000)

let folder: string
let store: MemoryStore
const sessions: Session[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-keycloak-session-'))
  store = new MemoryStore()
})
afterEach(async () => {
  for (const session of sessions.splice(0)) session.dispose()
  await rm(folder, { recursive: true, force: true })
})

function window(user = 'ada', options: Partial<SessionOptions> = {}): Session {
  const session = createSession({
    registryUrl: registry.url,
    folder,
    secrets: store,
    redirects: () => loopbackRedirect(),
    openExternal: async (url) => {
      void signInAtKeycloak(url, user).then((answer) => fetch(answer))
      return true
    },
    log: { info: () => undefined, warn: () => undefined },
    ...options,
  })
  sessions.push(session)
  return session
}
const signIn = (session: Session) => session.signIn(AbortSignal.timeout(60_000))
const stored = () => {
  const text = store.entries.get(`session ${keycloak.issuer}`)
  return text === undefined ? undefined : (JSON.parse(text) as { refreshToken: string; scopes: string[] })
}

/** `tools/list` by the session's own authorized fetch. */
async function list(session: Session, url: string): Promise<{ status: number; text: string }> {
  const params = {
    _meta: {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'gatehouse-vscode', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
    },
  }
  const response = await session.fetchFor(url)(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/list',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params }),
  })
  return { status: response.status, text: await response.text() }
}

describe('sign-in', () => {
  test('through the login form; the account has the name and the groups', async () => {
    verifies('AUTH-1.1', 'AUTH-1.2')
    const session = window()
    expect(await signIn(session)).toEqual({
      subject: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      name: 'Ada Adeyemi',
      groups: ['ads'],
      issuer: keycloak.issuer,
    })
    expect(session.clientId()).toBe('gatehouse-vscode')
  })

  test('by a link into the editor, and by the pasted address of the page', async () => {
    verifies('AUTH-1.3')
    let deliver: (uri: string) => void = () => undefined
    const handler = {
      uri: 'vscode://gatehouse.gatehouse/callback',
      onUri: (listener: (uri: string) => void) => {
        deliver = listener
        return () => undefined
      },
    }
    const byLink = window('ada', {
      redirects: async () => uriHandlerRedirect(handler),
      openExternal: async (url) => {
        void signInAtKeycloak(url, 'ada').then((answer) => deliver(answer))
        return true
      },
    })
    expect((await signIn(byLink)).name).toBe('Ada Adeyemi')
    let shown: (address: string) => void = () => undefined
    const address = new Promise<string>((resolve) => {
      shown = resolve
    })
    const pasted = window('ada', {
      redirects: async (issuer) => pastedRedirect(issuer, () => address),
      openExternal: async (url) => {
        void signInAtKeycloak(url, 'ada').then(shown)
        return true
      },
    })
    expect((await signIn(pasted)).name).toBe('Ada Adeyemi')
    expect(await address).toContain(`${keycloak.issuer}/code?`)
  })

  test('with a key that is not the one announced gets nothing', async () => {
    verifies('AUTH-6.1')
    const session = window('ada', {
      openExternal: async (url) => {
        const forged = new URL(url)
        forged.searchParams.set('dpop_jkt', (await Device.create()).thumbprint)
        void signInAtKeycloak(forged.href, 'ada').then((answer) => fetch(answer))
        return true
      },
    })
    await expect(signIn(session)).rejects.toMatchObject({ code: 'sign_in_refused' })
  })
})

describe('tokens', () => {
  test('each is an ES256 at+jwt for one server alone, bound to the device key; the registry and the server take them', async () => {
    verifies('AUTH-2.1', 'AUTH-2.4', 'AUTH-6.1', 'AUTH-7.1')
    const session = window()
    await signIn(session)
    const { thumbprint } = await session.deviceKey()
    for (const resource of [registry.url, open.url]) {
      const { token } = await session.tokenFor(resource)
      expect(decodeProtectedHeader(token)).toMatchObject({ alg: 'ES256', typ: 'at+jwt' })
      expect(decodeJwt(token)).toMatchObject({ aud: resource, client_id: 'gatehouse-vscode', cnf: { jkt: thumbprint } })
    }
    const approved = await session.fetchFor(registry.url)(`${registry.url}/gatehouse/v1/list`)
    expect(approved.status).toBe(200)
    const listed = await list(session, open.url)
    expect([listed.status, listed.text.includes('ads_only')]).toEqual([200, true])
  })

  test('a server that Keycloak learns of later: one more sign-in, which is offered, and then its groups decide', async () => {
    verifies('AUTH-2.4', 'AUTH-9.1')
    let told = 0
    const session = window('ada', { onScopeNeeded: () => told++ })
    await signIn(session)
    await expect(session.tokenFor(finance.url)).rejects.toMatchObject({ code: 'audience_not_exact' })
    await keycloak.addServer(finance.url)
    await expect(session.tokenFor(finance.url)).rejects.toMatchObject({ code: 'scope_needed' })
    expect(told).toBe(1)
    await signIn(session)
    const denied = await list(session, finance.url)
    expect([denied.status, denied.text]).toEqual([403, expect.stringContaining('finance') as string])
    store = new MemoryStore()
    const allowed = window('finn')
    await signIn(allowed)
    expect((await list(allowed, finance.url)).status).toBe(200)
  })

  test('of one server is refused by another, without a proof, and with somebody else’s', async () => {
    verifies('AUTH-2.3', 'AUTH-6.1', 'AUTH-6.2')
    const session = window()
    await signIn(session)
    const { token } = await session.tokenFor(open.url)
    const thief = await Device.create()
    const attempts = [
      { url: open.url, token },
      { url: open.url, token, device: thief },
      { url: open.url, token: (await session.tokenFor(registry.url)).token, device: thief },
    ]
    for (const attempt of attempts) expect((await modernRpc({ ...attempt, method: 'tools/list' })).status).toBe(401)
    expect((await list(session, open.url)).status).toBe(200)
  })
})

describe('the session', () => {
  /** What whoever has copied a refresh token, and not the key, gets for it. */
  const replay = async (refreshToken: string, device?: Device): Promise<unknown> => {
    const endpoint = `${keycloak.issuer}/protocol/openid-connect/token`
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: device ? { dpop: await device.proof('POST', endpoint) } : {},
      body: new URLSearchParams({
        grant_type: 'refresh_token',
        client_id: 'gatehouse-vscode',
        refresh_token: refreshToken,
      }),
    })
    return response.status
  }

  test('refreshes with rotation, bound to the device key', async () => {
    verifies('AUTH-5.1', 'AUTH-6.1')
    const session = window()
    await signIn(session)
    const first = stored()?.refreshToken ?? ''
    session.forget(registry.url)
    await session.tokenFor(registry.url)
    const second = stored()?.refreshToken ?? ''
    expect(second).not.toBe(first)
    expect([await replay(second), await replay(second, await Device.create())]).toEqual([400, 400])
    session.forget(registry.url)
    expect((await session.tokenFor(registry.url)).token).not.toBe('')
  })

  test('a refresh token that was used already ends the session, which says so', async () => {
    verifies('AUTH-5.1', 'AUTH-5.5')
    const session = window()
    await signIn(session)
    const first = stored()
    session.forget(registry.url)
    await session.tokenFor(registry.url)
    store.entries.set(`session ${keycloak.issuer}`, JSON.stringify({ ...stored(), refreshToken: first?.refreshToken }))
    session.forget(registry.url)
    await expect(session.tokenFor(registry.url)).rejects.toMatchObject({ code: 'session_ended' })
    expect([session.state().kind, stored()]).toEqual(['signed-out', undefined])
  })

  test('is revoked at sign-out', async () => {
    verifies('AUTH-3.2')
    const session = window()
    await signIn(session)
    const entries = [...store.entries]
    await session.signOut()
    expect(stored()).toBeUndefined()
    for (const [key, value] of entries) store.entries.set(key, value)
    await expect(window().tokenFor(registry.url)).rejects.toMatchObject({ code: 'session_ended' })
  })

  test('knows when it ends, and says so once no refresh moves that', async () => {
    verifies('AUTH-5.4')
    const session = window('ada', { warnBefore: () => 13 * 3_600_000, lookEvery: 50 })
    await signIn(session)
    expect(session.state()).not.toHaveProperty('endsAt')
    const state = await eventually(async () => {
      session.forget(registry.url)
      await session.tokenFor(registry.url)
      const now = session.state()
      return now.kind === 'signed-in' && now.endsAt !== undefined && now
    }, 60_000)
    // The realm's offlineSessionMaxLifespan.
    expect((state.endsAt ?? 0) - Date.now()).toBeGreaterThan(11 * 3_600_000)
    expect((state.endsAt ?? 0) - Date.now()).toBeLessThan(12 * 3_600_000)
  })
})

test('while Keycloak is down the session goes on with the tokens it has; new ones say so, and come once it is back', async () => {
  verifies('AUTH-5.5', 'AUTH-1.4')
  const session = window()
  await signIn(session)
  expect((await list(session, open.url)).status).toBe(200)
  const before = stored()
  await keycloak.stop()
  try {
    expect((await list(session, open.url)).status).toBe(200)
    session.forget(registry.url)
    await expect(session.tokenFor(registry.url)).rejects.toMatchObject({ code: 'issuer_unreachable' })
    await expect(signIn(window())).rejects.toMatchObject({ code: 'issuer_unreachable' })
    await expect(signIn(session)).rejects.toMatchObject({ code: 'issuer_unreachable' })
    expect([session.state().kind, stored()]).toEqual(['signed-in', before])
  } finally {
    await keycloak.start()
  }
  expect((await session.tokenFor(registry.url)).token).not.toBe('')
}, 600_000)
