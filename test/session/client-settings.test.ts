import { expect, test } from 'vitest'
import { checkedClient, checkedMetadataUrl } from '../../src/session/client-settings.ts'
import { createSession } from '../../src/session/session.ts'
import type { Session } from '../../src/session/types.ts'
import { verifies } from '../requirements.ts'
import { MemoryStore } from '../support/session-window.ts'

const open = (options: { clientMetadataUrl?: string; client?: { id: string } }): Session =>
  createSession({
    registryUrl: 'https://gatehouse.example',
    folder: '/nowhere',
    secrets: new MemoryStore(),
    redirects: () => Promise.reject(new Error('no sign-in here')),
    openExternal: async () => false,
    log: { info: () => undefined, warn: () => undefined },
    ...options,
  })

test.each(['gatehouse-vscode', '0oa1b2c3', 'https://gatehouse.example/client.json'])(
  'the client id %j is taken',
  (id) => {
    expect(checkedClient({ id })).toEqual({ id })
  },
)

test.each(['', 'two words', 'tab\t', 'ü', 'x'.repeat(257)])('the client id %j is refused with its own code', (id) => {
  verifies('AUTH-1.4')
  expect(() => open({ client: { id } })).toThrow(
    expect.objectContaining({
      code: 'client_setting_invalid',
      message: expect.stringContaining('client id') as string,
    }),
  )
})

test('the address of a metadata document is taken as it is written', () => {
  expect(checkedMetadataUrl(undefined)).toBeUndefined()
  expect(checkedMetadataUrl('https://gatehouse.example/client.json')).toBe('https://gatehouse.example/client.json')
})

test.each([
  'http://gatehouse.example/client.json',
  'https://gatehouse.example',
  'https://gatehouse.example/',
  'https://user@gatehouse.example/client.json',
  'https://gatehouse.example/client.json?x=1',
  'https://gatehouse.example/client.json#x',
  'https://gatehouse.example/a/../client.json',
  'https://GATEHOUSE.example/client.json',
  'client.json',
])('the address %j is refused with its own code', (clientMetadataUrl) => {
  verifies('AUTH-1.4')
  expect(() => open({ clientMetadataUrl })).toThrow(expect.objectContaining({ code: 'client_setting_invalid' }))
})
