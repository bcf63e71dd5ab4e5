import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { SessionError } from '../../src/session/errors.ts'
import { verifies } from '../requirements.ts'
import { MemoryStore, openWindow, type Window } from '../support/session-window.ts'

class BrokenStore extends MemoryStore {
  override async get(): Promise<never> {
    throw new SessionError('keychain_unavailable')
  }
}

let folder: string
let opened: Window | undefined
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-session-'))
})
afterEach(async () => {
  opened?.session.dispose()
  await rm(folder, { recursive: true, force: true })
})

test('a keychain that cannot be read at the start: signed out, and the person is told why', async () => {
  verifies('AUTH-3.3')
  opened = openWindow({ registryUrl: 'http://127.0.0.1:1', folder, secrets: new BrokenStore() })
  await opened.session.restored
  expect(opened.session.state()).toEqual({ kind: 'signed-out', reason: expect.stringContaining('keychain') as string })
  await expect(opened.session.signOut()).rejects.toMatchObject({ code: 'keychain_unavailable' })
})

test('damaged entries count as none', async () => {
  const store = new MemoryStore()
  store.entries.set('issuer http://127.0.0.1:1', '"http://127.0.0.1:2"')
  store.entries.set('session http://127.0.0.1:2', '{"refreshToken":')
  opened = openWindow({ registryUrl: 'http://127.0.0.1:1', folder, secrets: store })
  await opened.session.restored
  expect(opened.session.state()).toEqual({ kind: 'signed-out' })
})
