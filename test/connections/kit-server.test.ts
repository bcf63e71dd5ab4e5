import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServerDefinition } from '@gatehouse/kit'
import { afterEach, describe, expect, it } from 'vitest'
import { createConnections } from '../../src/connections/connections.ts'
import type { Connections, ElicitationAnswer } from '../../src/connections/types.ts'
import { createPlans } from '../../src/plans/plans.ts'
import type { Plans } from '../../src/plans/types.ts'
import type { Session } from '../../src/session/types.ts'
import { verifies } from '../requirements.ts'
import { offersServer } from '../support/fixture-offers.ts'
import { startWorld as startKit, type World as Kit } from '../support/fixture-world.ts'
import { legacyClient } from '../support/legacy-client.ts'
import { deviceKey, testCatalog, testSession, until } from './world.ts'

/** The embedded client and a server built on the kit, with real tokens bound to the device key, and nothing in between. */
let kit: Kit
let folder: string
let plans: Plans
let connections: Connections
let answer: ElicitationAnswer
const signal = new AbortController().signal

async function open(definition?: ServerDefinition): Promise<void> {
  kit = await startKit({}, {}, definition)
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-kit-client-'))
  plans = createPlans({ folder, sealKey: randomBytes(32), log: () => undefined })
  connections = createConnections({
    catalog: testCatalog(kit.record()),
    session: await boundSession(),
    plans,
    clientInfo: { name: 'gatehouse-vscode', version: '0' },
    elicit: async () => answer,
    log: () => undefined,
  })
}

afterEach(async () => {
  await connections.dispose()
  plans.dispose()
  await kit.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** Tokens of the test issuer, bound to the device key, and a proof with each request (RFC 9449). */
async function boundSession(): Promise<Session> {
  const { jwk, thumbprint } = kit.device
  const { kty = '', crv = '', x = '', y = '' } = jwk
  const key = { ...(await deviceKey()), publicJwk: { kty, crv, x, y }, thumbprint }
  return {
    ...testSession({ ...key, sign: (_typ, claims) => kit.device.receipt({ ...claims }) }),
    fetchFor: () => async (input, init) => {
      const url = input instanceof Request ? input.url : String(input)
      const token = await kit.boundToken()
      const headers = new Headers(init?.headers)
      headers.set('authorization', `DPoP ${token}`)
      headers.set('dpop', await kit.device.proof(init?.method ?? 'GET', url, token))
      return fetch(input, { ...init, headers })
    },
  }
}

function call(tool: string, args: Record<string, unknown>) {
  return connections.call({ server: 'fixture', tool, arguments: args, origin: { door: 'chat' }, signal })
}

describe('a server built on the kit', () => {
  it('says in both eras that it checks approvals, and runs a change once, when the person has approved it', async () => {
    verifies('EDIT-3.1', 'EDIT-3.2', 'SRV-KIT.4')
    await open()
    const stored = call('store', { line: 'hello' })
    await until(() => plans.entries().length === 1, 20_000)
    const [step] = plans.entries()[0]?.plan.steps ?? []
    expect(step).toMatchObject({ effect: 'write', summary: 'Store hello' })
    expect(kit.tools.stored).toEqual([])
    plans.approve([step?.id ?? ''])
    expect(await stored).toMatchObject({ isError: false, structured: { count: 1 } })
    expect(kit.tools.stored).toEqual(['hello'])
    const legacy = await legacyClient(kit.url, await kit.issuer.token(kit.url))
    expect(legacy.getServerCapabilities()).toMatchObject({ extensions: { 'dev.gatehouse/approval': {} } })
    await legacy.close()
  })

  it('gives its prompts, resources, pictures and questions', async () => {
    verifies('EDIT-2.3', 'EDIT-4.2', 'SRV-KIT.13')
    await open(offersServer())
    expect((await connections.prompts('fixture')).map(({ prompt }) => prompt.name)).toContain('review')
    expect((await connections.resources('fixture')).map(({ resource }) => resource.name)).toContain('table')
    const prompt = { server: 'fixture', name: 'review', arguments: { table: 'tpch.orders' }, signal }
    expect((await connections.getPrompt(prompt)).messages).toMatchObject([
      { content: { text: 'Give a short review of tpch.orders.' } },
    ])
    const read = (uri: string) => connections.readResource({ server: 'fixture', uri, signal })
    expect(await read('fixture://glossary')).toMatchObject([{ mimeType: 'text/markdown', text: '# Glossary' }])
    expect(await read('fixture://tables/tpch.orders')).toMatchObject([{ text: '{"name":"tpch.orders"}' }])
    await expect(read('fixture://tables/no table')).rejects.toMatchObject({ code: 'server_error' })
    expect((await call('picture', {})).content).toMatchObject([
      { type: 'text' },
      { type: 'image', mimeType: 'image/png' },
    ])
    answer = { action: 'accept', content: { name: 'Ada' } }
    expect((await call('ask_name', {})).text).toContain('Ada')
  })
})
