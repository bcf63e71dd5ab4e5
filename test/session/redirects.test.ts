import { request } from 'node:http'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { loopbackRedirect } from '../../src/session/redirect/loopback.ts'
import { pastedRedirect, readPasted } from '../../src/session/redirect/pasted.ts'
import { chooseRedirect, type HostFacts, type Redirect } from '../../src/session/redirect/redirect.ts'
import { uriHandlerRedirect } from '../../src/session/redirect/uri-handler.ts'
import { verifies } from '../requirements.ts'

const never = new AbortController().signal
let redirect: Redirect | undefined
afterEach(() => redirect?.dispose())

test.each<[Omit<HostFacts, 'uiKind'> & { uiKind: HostFacts['uiKind'] }, string]>([
  [{ uiKind: 'desktop', remote: false, uriHandlerWorks: true }, 'uri-handler'],
  [{ uiKind: 'desktop', remote: false, uriHandlerWorks: false }, 'loopback'],
  [{ uiKind: 'desktop', remote: true, uriHandlerWorks: true }, 'uri-handler'],
  [{ uiKind: 'desktop', remote: true, uriHandlerWorks: false }, 'pasted'],
  [{ uiKind: 'web', remote: false, uriHandlerWorks: true }, 'pasted'],
  [{ uiKind: 'web', remote: true, uriHandlerWorks: false }, 'pasted'],
])('%o: %s', (facts, kind) => {
  verifies('AUTH-1.3')
  expect(chooseRedirect(facts)).toBe(kind)
})

describe('loopback', () => {
  test('takes one answer on a port of its own and thanks the person in words of its own', async () => {
    verifies('AUTH-1.3')
    redirect = await loopbackRedirect()
    expect(redirect.uri).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/callback$/)
    const response = await fetch(`${redirect.uri}?code=%3Cscript%3E&state=s`)
    const page = await response.text()
    expect([response.status, page.includes('<script>'), page.includes('close this tab')]).toEqual([200, false, true])
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect((await redirect.wait(never)).get('state')).toBe('s')
    const second = await fetch(`${redirect.uri}?code=other&state=s`)
    expect(second.status).toBe(410)
    expect((await redirect.wait(never)).get('code')).toBe('<script>')
  })

  test('an error is an answer too, and the page does not claim success', async () => {
    redirect = await loopbackRedirect()
    const page = await (await fetch(`${redirect.uri}?error=access_denied&state=s`)).text()
    expect(page).toContain('was not completed')
    expect((await redirect.wait(never)).get('error')).toBe('access_denied')
  })

  test.each<[string, string, string, Record<string, string>]>([
    ['another path', 'GET', '/other?code=1', {}],
    ['no code', 'GET', '/callback', {}],
    ['another method', 'POST', '/callback?code=1', {}],
    ['another host name', 'GET', '/callback?code=1', { host: 'attacker.example' }],
  ])('%s is not an answer', async (_name, method, path, headers) => {
    redirect = await loopbackRedirect()
    const { port } = new URL(redirect.uri)
    const status = await new Promise((resolve, reject) => {
      request({ host: '127.0.0.1', port, path, method, headers }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
        .on('error', reject)
        .end()
    })
    expect(status).toBe(404)
    await expect(redirect.wait(AbortSignal.timeout(50))).rejects.toMatchObject({ name: 'TimeoutError' })
  })

  test('nobody listens after it is disposed', async () => {
    redirect = await loopbackRedirect()
    const { uri } = redirect
    redirect.dispose()
    await expect(fetch(`${uri}?code=1`)).rejects.toThrow('fetch failed')
  })
})

describe('URI handler', () => {
  test('takes the first answer to its own address, even one that comes before anybody waits', async () => {
    verifies('AUTH-1.3')
    const listeners = new Set<(uri: string) => void>()
    const handler = {
      uri: 'vscode://gatehouse.gatehouse/callback',
      onUri: (listener: (uri: string) => void) => {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    }
    redirect = uriHandlerRedirect(handler)
    const send = (uri: string) => {
      for (const listener of listeners) listener(uri)
    }
    for (const uri of [
      'not a uri',
      'vscode://other.ext/callback?code=0',
      'vscode://gatehouse.gatehouse/other?code=0',
      'vscode://gatehouse.gatehouse/callback?windowId=1',
    ])
      send(uri)
    send('vscode://gatehouse.gatehouse/callback?code=1&state=s')
    expect((await redirect.wait(never)).get('code')).toBe('1')
    redirect.dispose()
    expect(listeners.size).toBe(0)
  })

  test('stops waiting when told to', async () => {
    redirect = uriHandlerRedirect({ uri: 'vscode://gatehouse.gatehouse/callback', onUri: () => () => {} })
    await expect(redirect.wait(AbortSignal.timeout(20))).rejects.toMatchObject({ name: 'TimeoutError' })
  })
})

describe('pasted code', () => {
  const whole = 'https://idp.example/code?code=c%2B1&state=s&iss=https%3A%2F%2Fidp.example'

  test.each([
    whole,
    ` ${whole}\n`,
    whole.slice(whole.indexOf('?')),
    whole.slice(whole.indexOf('?') + 1),
    `${whole}#fragment`,
  ])('understands “%s”', (text) => {
    verifies('AUTH-1.3')
    expect(Object.fromEntries(readPasted(text))).toEqual({ code: 'c+1', state: 's', iss: 'https://idp.example' })
  })

  test.each(['', 'c1', 'code=c1', 'code=c1&state=s', 'https://idp.example/code?state=s&iss=x', 'x'.repeat(10_000)])(
    'refuses “%.40s”',
    (text) => {
      expect(() => readPasted(text)).toThrow(expect.objectContaining({ code: 'pasted_text_invalid' }))
    },
  )

  test('never fails otherwise, whatever is pasted', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          readPasted(text)
        } catch (error) {
          expect(error).toMatchObject({ code: 'pasted_text_invalid' })
        }
      }),
    )
  })

  test('asks the person, and takes a closed question for a cancelled sign-in', async () => {
    const given = pastedRedirect('https://idp.example', async () => whole)
    expect([given.uri, (await given.wait(never)).get('state')]).toEqual(['https://idp.example/code', 's'])
    await expect(pastedRedirect('https://idp.example', async () => undefined).wait(never)).rejects.toMatchObject({
      code: 'sign_in_cancelled',
    })
  })

  test('does not wait for a question that nobody answers', async () => {
    const silent = pastedRedirect('https://idp.example', () => new Promise(() => {}))
    await expect(silent.wait(AbortSignal.timeout(20))).rejects.toMatchObject({ name: 'TimeoutError' })
  })
})
