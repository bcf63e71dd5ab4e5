import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { createCatalog } from '../../src/catalog/catalog.ts'
import type { Catalog } from '../../src/catalog/types.ts'
import { verifies } from '../requirements.ts'
import { eventually } from '../support/browser.ts'
import { type Company, startCompany } from '../support/company.ts'
import { sampleRecord } from '../support/sample-record.ts'
import { MemoryStore, openWindow, type Window } from '../support/session-window.ts'

let company: Company
let folder: string
let store: MemoryStore
let window: Window
let catalog: Catalog
beforeAll(async () => {
  company = await startCompany({ listLife: 4 })
  await company.list(sampleRecord('presto', { groups: ['ads', 'finance'] }))
})
afterAll(() => company.stop())
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-catalog-'))
  store = new MemoryStore()
  window = openWindow({ registryUrl: company.registry, folder, secrets: store })
  catalog = openCatalog(window)
})
afterEach(async () => {
  catalog.dispose()
  window.session.dispose()
  await rm(folder, { recursive: true, force: true })
})

/** As the extension puts the two together. */
function openCatalog({ session }: Window): Catalog {
  return createCatalog({
    registryUrl: company.registry,
    fetch: session.fetchFor(company.registry),
    subject: () => {
      const state = session.state()
      return state.kind === 'signed-in' ? state.account.subject : undefined
    },
    onSubject: (listener) => session.onChange(listener),
    clientId: () => session.clientId(),
    pins: store,
    cacheDir: join(folder, 'cache'),
    log: { info: () => {}, warn: () => {} },
    refreshEvery: 200,
  })
}

test('after one sign-in the servers are there, and one listed later comes without a browser', async () => {
  verifies('AUTH-2.2', 'EDIT-1.1', 'REG-5.1')
  expect(catalog.state()).toEqual({ kind: 'signed-out' })
  await window.signIn('ada')
  const presto = await eventually(() => catalog.find('presto'))
  expect(presto.record.clients).toEqual([])
  await company.list(sampleRecord('later'))
  await eventually(() => catalog.find('later'))
})

test('the contractor sees whom to ask, and can use nothing', async () => {
  verifies('AUTH-8.3')
  await window.signIn('carl')
  const state = await eventually(() => {
    const now = catalog.state()
    return now.kind === 'ready' ? now : undefined
  })
  const presto = state.servers.find((server) => server.access === 'denied' && server.id === 'presto')
  expect(presto).toMatchObject({
    support: { channel: '#data-platform' },
    reason: expect.stringContaining('#data-platform') as string,
  })
  expect(catalog.find('presto')).toBeUndefined()
})

test('the registry goes: the list holds for its life, then access is closed; it comes back: so does the list', async () => {
  verifies('EDIT-1.2')
  await window.signIn('ada')
  await eventually(() => catalog.find('presto'))
  await company.stopRegistry()
  try {
    await eventually(() => {
      const state = catalog.state()
      return state.kind === 'ready' && state.problem?.code === 'registry_unreachable'
    })
    expect(catalog.find('presto')).toBeDefined()
    await eventually(() => catalog.state().kind === 'unavailable', 8000)
    expect(catalog.find('presto')).toBeUndefined()
  } finally {
    await company.restartRegistry()
  }
  await eventually(() => catalog.find('presto'), 10_000)
})

test('the list is renewed with an unchanged registry for longer than its life', async () => {
  await window.signIn('ada')
  await eventually(() => catalog.find('presto'))
  const closed: string[] = []
  catalog.onChange(({ kind }) => kind !== 'ready' && closed.push(kind))
  await new Promise((resolve) => setTimeout(resolve, 5000))
  expect([closed, catalog.find('presto')?.record.id]).toEqual([[], 'presto'])
})

test('signing out empties it in every window', async () => {
  verifies('AUTH-3.2')
  await window.signIn('ada')
  const other = openWindow({ registryUrl: company.registry, folder, secrets: store })
  const others = openCatalog(other)
  await eventually(() => others.find('presto'))
  await window.session.signOut()
  expect(catalog.state()).toEqual({ kind: 'signed-out' })
  await eventually(() => others.state().kind === 'signed-out')
  others.dispose()
  other.session.dispose()
})
