import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeJwt } from 'jose'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { pastedRedirect } from '../../src/session/redirect/pasted.ts'
import { uriHandlerRedirect } from '../../src/session/redirect/uri-handler.ts'
import type { SessionOptions } from '../../src/session/options.ts'
import { verifies } from '../requirements.ts'
import { Browser, eventually } from '../support/browser.ts'
import { type Company, startCompany } from '../support/company.ts'
import { MemoryStore, openWindow, type Window } from '../support/session-window.ts'

let company: Company
beforeAll(async () => {
  company = await startCompany()
})
afterAll(() => company.stop())

let folder: string
let store: MemoryStore
const opened: Window[] = []
function window(options: Partial<SessionOptions> = {}): Window {
  const made = openWindow({ registryUrl: company.registry, folder, secrets: store, ...options })
  opened.push(made)
  return made
}
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-session-'))
  store = new MemoryStore()
})
afterEach(async () => {
  for (const { session } of opened.splice(0)) session.dispose()
  await rm(folder, { recursive: true, force: true })
})

/** `fetch` that counts requests to the token endpoint by grant. */
function counting(): { fetch: typeof fetch; grants: string[] } {
  const grants: string[] = []
  return {
    grants,
    fetch: (input, init) => {
      const grant = init?.body instanceof URLSearchParams ? init.body.get('grant_type') : null
      if (grant) grants.push(grant.split(':').at(-1) as string)
      return fetch(input, init)
    },
  }
}

describe('sign-in', () => {
  test('starts from the registry URL alone and ends with the account', async () => {
    verifies('AUTH-1.1', 'AUTH-1.2', 'AUTH-1.3')
    const { session, signIn } = window()
    const states: string[] = []
    session.onChange((state) => states.push(state.kind))
    expect(session.state()).toEqual({ kind: 'restoring' })
    const account = await signIn('ada')
    expect(account).toEqual({
      subject: 'ada',
      name: expect.any(String) as string,
      groups: ['ads'],
      issuer: company.issuer,
    })
    expect(account.name).not.toBe('ada')
    expect(session.state()).toEqual({ kind: 'signed-in', account })
    expect(states).toEqual(['signed-out', 'signing-in', 'signed-in'])
    expect(session.clientId()).toBe('gatehouse-vscode')
  })

  test.each([
    ['ahead', 10],
    ['behind', -10],
  ])('with a clock ten minutes %s goes by the nonce of the provider', async (_side, minutes) => {
    verifies('AUTH-6.1')
    const { session, signIn } = window({ now: () => Date.now() + minutes * 60_000 })
    expect((await signIn('ada')).subject).toBe('ada')
    session.forget(company.registry)
    expect((await session.tokenFor(company.registry)).token).not.toBe('')
  })

  test('with a clock so wrong that the answer has expired says that it is the clock', async () => {
    verifies('AUTH-1.4')
    const { session, signIn } = window({ now: () => Date.now() + 2 * 3_600_000 })
    await expect(signIn('ada')).rejects.toMatchObject({
      code: 'clock_wrong',
      message: expect.stringContaining('120 min ahead') as string,
    })
    expect(session.state().kind).toBe('signed-out')
  })

  test('right after a sign-out that is still erasing gets a session whose key is its own', async () => {
    verifies('AUTH-6.1')
    const slow = new MemoryStore()
    const erase = slow.delete.bind(slow)
    slow.delete = async (key) => {
      await new Promise((resolve) => setTimeout(resolve, 150))
      await erase(key)
    }
    const { session, signIn } = window({ secrets: slow })
    await signIn('ada')
    const leaving = session.signOut()
    await signIn('finn')
    await leaving
    const list = await session.fetchFor(company.registry)(`${company.registry}/gatehouse/v1/list`)
    expect(list.status).toBe(200)
  })

  test('whose device key another window erases meanwhile is not taken for done', async () => {
    verifies('AUTH-6.1')
    const { session } = window({
      openExternal: async (url) => {
        const answer = await new Browser().signIn(url, 'ada')
        await store.delete(`device-key ${company.issuer}`)
        void fetch(answer)
        return true
      },
    })
    await expect(session.signIn(AbortSignal.timeout(20_000))).rejects.toMatchObject({ code: 'sign_in_cancelled' })
    expect(session.state().kind).toBe('signed-out')
    expect(store.entries.has(`session ${company.issuer}`)).toBe(false)
  })

  test('asks with PKCE S256, state, nonce, the resource and the key it will be bound to', async () => {
    verifies('AUTH-1.2')
    let opened = ''
    const { session } = window({
      openExternal: async (url) => {
        opened = url
        return false
      },
    })
    await expect(session.signIn(AbortSignal.timeout(5000))).rejects.toMatchObject({ code: 'browser_not_opened' })
    const { searchParams } = new URL(opened)
    expect(Object.fromEntries(searchParams)).toMatchObject({
      response_type: 'code',
      code_challenge_method: 'S256',
      client_id: 'gatehouse-vscode',
      resource: company.registry,
    })
    for (const name of ['state', 'nonce', 'code_challenge', 'dpop_jkt'])
      expect(searchParams.get(name)).toMatch(/^[\w-]{40,}$/)
    expect(session.state()).toEqual({ kind: 'signed-out' })
  })

  test('cancelled on the page', async () => {
    verifies('AUTH-1.4')
    const { session } = window({
      openExternal: async (url) => {
        void new Browser().signIn(url, 'ada', 'cancel').then((answer) => fetch(answer))
        return true
      },
    })
    await expect(session.signIn(AbortSignal.timeout(5000))).rejects.toMatchObject({ code: 'sign_in_cancelled' })
    expect(session.state().kind).toBe('signed-out')
    expect(store.entries.has(`session ${company.issuer}`)).toBe(false)
  })

  test('cancelled in the editor, even while the editor asks whether to open the browser', async () => {
    verifies('AUTH-1.4')
    const { session } = window({ openExternal: () => new Promise(() => {}) })
    const cancel = new AbortController()
    const signingIn = session.signIn(cancel.signal)
    setTimeout(() => cancel.abort(), 200)
    await expect(signingIn).rejects.toMatchObject({ code: 'sign_in_cancelled' })
    expect(session.state()).toEqual({ kind: 'signed-out' })
  })

  test('not finished in time', async () => {
    verifies('AUTH-1.4')
    const { session } = window({ openExternal: async () => true, signInLimit: 300 })
    await expect(session.signIn(new AbortController().signal)).rejects.toMatchObject({ code: 'sign_in_timeout' })
  })

  test('started again: the newer attempt counts', async () => {
    const { session, signIn } = window()
    const first = session.signIn(AbortSignal.timeout(5000))
    const failed = expect(first).rejects.toMatchObject({ code: 'sign_in_cancelled' })
    await session.restored
    const account = await signIn('finn')
    await failed
    expect(account.subject).toBe('finn')
    expect(session.state()).toMatchObject({ kind: 'signed-in', account: { subject: 'finn' } })
  })

  test.each([
    ['another state', { state: 'forged' }, 'state_mismatch'],
    ['no state', { state: undefined }, 'state_mismatch'],
    ['another issuer', { iss: 'https://attacker.example' }, 'issuer_mismatch'],
    ['no issuer', { iss: undefined }, 'issuer_mismatch'],
    ['a forged code', { code: 'forged' }, 'sign_in_refused'],
  ])('an answer with %s is refused', async (_name, change, code) => {
    verifies('AUTH-1.2', 'AUTH-1.4')
    const { session } = window({
      openExternal: async (url) => {
        void new Browser().signIn(url, 'ada').then((answer) => {
          const forged = new URL(answer)
          for (const [name, value] of Object.entries(change)) {
            if (value === undefined) forged.searchParams.delete(name)
            else forged.searchParams.set(name, value)
          }
          return fetch(forged)
        })
        return true
      },
    })
    await expect(session.signIn(AbortSignal.timeout(5000))).rejects.toMatchObject({ code })
    expect(session.state().kind).toBe('signed-out')
  })

  test('a code that was fetched for another verifier is refused', async () => {
    let stolen = ''
    const { session } = window({
      openExternal: async (url) => {
        const forged = new URL(url)
        forged.searchParams.set('code_challenge', 'A'.repeat(43))
        void new Browser().signIn(forged.href, 'ada').then((answer) => {
          stolen = answer
          return fetch(answer)
        })
        return true
      },
    })
    await expect(session.signIn(AbortSignal.timeout(5000))).rejects.toMatchObject({ code: 'sign_in_refused' })
    expect(stolen).not.toBe('')
  })
})

describe('the ways back', () => {
  test('a pasted code: the text of the provider’s own page', async () => {
    verifies('AUTH-1.3')
    let opened: (url: string) => void = () => {}
    const page = new Promise<string>((resolve) => {
      opened = resolve
    })
    const { session } = window({
      redirects: async (issuer) =>
        pastedRedirect(issuer, async () => {
          const answer = await new Browser().signIn(await page, 'ada')
          const html = await (await fetch(answer)).text()
          // What the page's copy button copies.
          return /id="response"[^>]*value="([^"]+)"/.exec(html)?.[1]?.replaceAll('&amp;', '&')
        }),
      openExternal: async (url) => {
        opened(url)
        return true
      },
    })
    expect(await session.signIn(AbortSignal.timeout(10_000))).toMatchObject({ subject: 'ada' })
  })

  test('the editor’s own URI handler', async () => {
    verifies('AUTH-1.3')
    let deliver: (uri: string) => void = () => {}
    const handler = {
      uri: 'vscode://gatehouse.gatehouse/callback',
      onUri: (listener: (uri: string) => void) => {
        deliver = listener
        return () => {}
      },
    }
    const { session } = window({
      redirects: async () => uriHandlerRedirect(handler),
      openExternal: async (url) => {
        void new Browser().signIn(url, 'ada').then((answer) => deliver(answer))
        return true
      },
    })
    expect(await session.signIn(AbortSignal.timeout(10_000))).toMatchObject({ subject: 'ada' })
  })
})

describe('tokens', () => {
  test('one sign-in serves every server, each with its own audience, all bound to the device key', async () => {
    verifies('AUTH-2.1', 'AUTH-2.2', 'AUTH-6.1')
    const { session, signIn } = window()
    await signIn('ada')
    const key = await session.deviceKey()
    for (const resource of [company.registry, 'https://presto.example/mcp', 'https://later.example/mcp']) {
      const { token, expiresAt } = await session.tokenFor(resource)
      expect(decodeJwt(token)).toMatchObject({ aud: resource, sub: 'ada', cnf: { jkt: key.thumbprint } })
      expect(expiresAt).toBeGreaterThan(Date.now() + 300_000)
    }
  })

  test('a token is fetched once, however many ask at the same time', async () => {
    verifies('AUTH-5.1')
    const { fetch, grants } = counting()
    const { session, signIn } = window({ fetch })
    await signIn('ada')
    session.forget(company.registry)
    const tokens = await Promise.all(Array.from({ length: 20 }, () => session.tokenFor('https://presto.example/mcp')))
    expect(new Set(tokens.map(({ token }) => token)).size).toBe(1)
    expect(grants).toEqual(['authorization_code', 'refresh_token', 'token-exchange'])
  })

  test('two windows that refresh at once do not revoke each other', async () => {
    verifies('AUTH-5.1')
    const first = window()
    await first.signIn('ada')
    const second = window()
    await second.session.restored
    expect(second.session.state()).toMatchObject({ kind: 'signed-in', account: { subject: 'ada', groups: ['ads'] } })
    for (let round = 0; round < 4; round++) {
      for (const { session } of [first, second]) session.forget(company.registry)
      await Promise.all([first, second].map(({ session }) => session.tokenFor(company.registry)))
    }
    expect(first.session.state().kind).toBe('signed-in')
    expect(second.session.state().kind).toBe('signed-in')
  })

  test('a caller that stops waiting does not stop the others', async () => {
    const { session, signIn } = window()
    await signIn('ada')
    const cancel = new AbortController()
    const [impatient, patient] = [
      session.tokenFor('https://a.example/mcp', cancel.signal),
      session.tokenFor('https://a.example/mcp'),
    ]
    cancel.abort()
    await expect(impatient).rejects.toMatchObject({ name: 'AbortError' })
    expect((await patient).token).toBeTruthy()
  })

  test('a resource the provider does not issue for', async () => {
    const { session, signIn } = window()
    await signIn('ada')
    await expect(session.tokenFor('not-a-url:x')).rejects.toMatchObject({ code: 'resource_refused' })
    expect(session.state().kind).toBe('signed-in')
  })

  test('while the provider is down the tokens that there are go on, others say so, nothing is erased, and all goes on once it is back', async () => {
    verifies('AUTH-1.4', 'AUTH-5.5')
    const { session, signIn } = window()
    await signIn('ada')
    const list = () => session.fetchFor(company.registry)(`${company.registry}/gatehouse/v1/list`)
    const before = [...store.entries]
    await company.stopIdentity()
    try {
      expect((await list()).status).toBe(200)
      session.forget(company.registry)
      await expect(list()).rejects.toMatchObject({ code: 'issuer_unreachable' })
      await expect(session.tokenFor('https://presto.example/mcp')).rejects.toMatchObject({ code: 'issuer_unreachable' })
      await expect(signIn('ada')).rejects.toMatchObject({ code: 'issuer_unreachable' })
      expect(session.state().kind).toBe('signed-in')
      expect([...store.entries]).toEqual(before)
      const reloaded = window().session
      await reloaded.restored
      expect(reloaded.state().kind).toBe('signed-in')
    } finally {
      await company.restartIdentity()
    }
    expect((await list()).status).toBe(200)
    expect((await session.tokenFor('https://presto.example/mcp')).token).toBeTruthy()
  })

  test('a session the provider has ended: signed out, with a reason', async () => {
    verifies('AUTH-5.5')
    const { session, signIn } = window()
    await signIn('ada')
    const stored = JSON.parse(store.entries.get(`session ${company.issuer}`) as string) as object
    store.entries.set(`session ${company.issuer}`, JSON.stringify({ ...stored, refreshToken: 'revoked' }))
    session.forget(company.registry)
    await expect(session.tokenFor(company.registry)).rejects.toMatchObject({ code: 'session_ended' })
    expect(session.state()).toEqual({
      kind: 'signed-out',
      reason: expect.stringContaining('no longer accepts') as string,
      code: 'session_ended',
    })
    expect(store.entries.has(`session ${company.issuer}`)).toBe(false)
    await expect(session.tokenFor(company.registry)).rejects.toMatchObject({ code: 'signed_out' })
  })

  test('a registry that names another issuer later: nothing of the old one is sent there', async () => {
    verifies('AUTH-1.1')
    await window().signIn('ada')
    const other = await startCompany()
    const asked: string[] = []
    const session = window({
      fetch: async (input, init) => {
        const url = input instanceof Request ? input.url : input.toString()
        if (url.startsWith(other.issuer)) asked.push(new URL(url).pathname)
        if (!url.includes('oauth-protected-resource')) return fetch(input, init)
        return Response.json({ resource: company.registry, authorization_servers: [other.issuer] })
      },
    }).session
    try {
      await expect(session.tokenFor(company.registry)).rejects.toMatchObject({ code: 'issuer_changed' })
      expect(asked).toEqual(['/.well-known/oauth-authorization-server'])
    } finally {
      await other.stop()
    }
  })
})

describe('the authorized fetch', () => {
  test('the registry accepts its token and proof', async () => {
    verifies('AUTH-6.1')
    const { session, signIn } = window()
    await signIn('ada')
    const response = await session.fetchFor(company.registry)(`${company.registry}/gatehouse/v1/list`)
    expect(response.status).toBe(200)
  })

  test('a token never leaves for another address', async () => {
    verifies('AUTH-2.3')
    const { session, signIn } = window()
    await signIn('ada')
    const to = session.fetchFor('https://presto.example/mcp')
    for (const url of ['https://attacker.example/mcp', 'https://presto.example/other', 'http://presto.example/mcp']) {
      await expect(to(url)).rejects.toMatchObject({ code: 'wrong_resource' })
    }
  })

  test('signed out it sends nothing', async () => {
    const { session } = window()
    await expect(session.fetchFor(company.registry)(company.registry)).rejects.toMatchObject({ code: 'signed_out' })
  })
})

describe('sign-out', () => {
  test('revokes, erases, and is noticed by the other windows', async () => {
    verifies('AUTH-3.2')
    const first = window()
    await first.signIn('ada')
    const second = window()
    await second.session.restored
    await second.session.tokenFor('https://presto.example/mcp')
    const stored = JSON.parse(store.entries.get(`session ${company.issuer}`) as string) as object
    const key = store.entries.get(`device-key ${company.issuer}`) as string

    await first.session.signOut()
    expect(first.session.state()).toEqual({ kind: 'signed-out' })
    expect([...store.entries.keys()]).toEqual([`issuer ${company.registry}`])
    await eventually(() => second.session.state().kind === 'signed-out')
    await expect(second.session.tokenFor('https://presto.example/mcp')).rejects.toMatchObject({ code: 'signed_out' })

    // Whoever had copied the secrets before gets nothing for them.
    store.entries.set(`session ${company.issuer}`, JSON.stringify(stored))
    store.entries.set(`device-key ${company.issuer}`, key)
    await expect(window().session.tokenFor(company.registry)).rejects.toMatchObject({ code: 'session_ended' })
  })

  test('a sign-in in one window is one in all', async () => {
    const first = window()
    const second = window()
    await second.session.restored
    await first.signIn('finn')
    await eventually(() => second.session.state().kind === 'signed-in')
    expect((await second.session.deviceKey()).thumbprint).toBe((await first.session.deviceKey()).thumbprint)
    await first.signIn('ines')
    await eventually(() => {
      const state = second.session.state()
      return state.kind === 'signed-in' && state.account.subject === 'ines'
    })
  })

  test('works while the provider is down', async () => {
    const { session, signIn, logged } = window()
    await signIn('ada')
    await company.stopIdentity()
    try {
      await session.signOut()
    } finally {
      await company.restartIdentity()
    }
    expect(session.state()).toEqual({ kind: 'signed-out' })
    expect(store.entries.has(`session ${company.issuer}`)).toBe(false)
    expect(logged.at(-2)).toContain('could not be told')
  })

  test('in the middle of a sign-in: it is cancelled, and nothing of it is kept', async () => {
    const { session, signIn } = window({
      fetch: async (input, init) => {
        const response = await fetch(input, init)
        const grant = init?.body instanceof URLSearchParams ? init.body.get('grant_type') : null
        if (grant === 'authorization_code') void session.signOut()
        return response
      },
    })
    await expect(signIn('ada')).rejects.toMatchObject({ code: 'sign_in_cancelled' })
    expect(session.state()).toEqual({ kind: 'signed-out' })
    await expect(window().session.tokenFor(company.registry)).rejects.toMatchObject({ code: 'signed_out' })
  })

  test('a token that arrives after sign-out is not handed out', async () => {
    const { session, signIn } = window()
    await signIn('ada')
    const late = session.tokenFor('https://presto.example/mcp')
    const refused = expect(late).rejects.toMatchObject({ code: 'signed_out' })
    await session.signOut()
    await refused
  })
})

test('no secret is in a log or in an error', async () => {
  verifies('AUTH-3.1')
  const { session, signIn, logged } = window()
  await signIn('ada')
  const { token } = await session.tokenFor(company.registry)
  const { refreshToken } = JSON.parse(store.entries.get(`session ${company.issuer}`) as string) as {
    refreshToken: string
  }
  await company.stopIdentity()
  session.forget(company.registry)
  const error = await session.tokenFor(company.registry).catch((caught: unknown) => caught)
  await company.restartIdentity()
  await session.signOut()
  const { inspect } = await import('node:util')
  const said = logged.join('\n') + inspect(error, { depth: 20 })
  for (const secret of [token, refreshToken]) expect(said).not.toContain(secret)
})
