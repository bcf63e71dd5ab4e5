import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { verifies } from '../requirements.ts'
import { authorize } from './flow.ts'
import { authorizeUrl, Browser, startForTest } from './support.ts'

let identity: Awaited<ReturnType<typeof startForTest>>
beforeAll(async () => {
  identity = await startForTest()
})
afterAll(() => identity.stop())

async function openSignIn(overrides: Record<string, string> = {}) {
  const browser = new Browser(identity.url)
  const { url, response } = await browser.open(authorizeUrl(identity.url, 'x'.repeat(43), overrides))
  if (!response) throw new Error('no page')
  return { browser, url, response, text: await response.text() }
}

describe('sign-in page', () => {
  test('lists everyone with role and groups, in a labelled form, and tells the local password', async () => {
    const { text } = await openSignIn()
    for (const words of [
      'Ada Adeyemi',
      'Ads analyst',
      'Carl Chen',
      'no groups',
      'reviewers-genai',
      '<code>gatehouse</code>',
    ]) {
      expect(text).toContain(words)
    }
    expect(text).toContain('<html lang="en">')
    expect(text).toContain('<legend>Person</legend>')
    expect(text).toContain('for="password"')
    expect(text).toContain('prefers-color-scheme: dark')
  })

  test('lets nothing be loaded, run or framed, and a form lead only here and to the client', async () => {
    const { response } = await openSignIn({ redirect_uri: 'vscode://gatehouse.gatehouse/callback' })
    const policy = response.headers.get('content-security-policy') ?? ''
    expect(policy).toMatch(
      /^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self' vscode:; base-uri 'none'; frame-ancestors 'none'$/,
    )
    expect(response.headers.get('cache-control')).toBe('no-store')
  })

  test.each<[Record<string, string>, string]>([
    [{ user: 'ada', password: 'wrong' }, 'That password is not right.'],
    [{ user: 'nobody', password: 'gatehouse' }, 'Choose a person.'],
    [{ password: 'gatehouse' }, 'Choose a person.'],
  ])('%j: stays on the page and says why', async (form, problem) => {
    const { browser, url } = await openSignIn()
    const { response } = await browser.open(`${url}/sign-in`, form)
    expect(response?.status).toBe(422)
    const text = await response?.text()
    expect(text).toContain('role="alert"')
    expect(text).toContain(problem)
  })

  test('cancel tells the client access_denied, with state and iss', async () => {
    verifies('AUTH-1.4')
    const { browser, url } = await openSignIn()
    const { url: back } = await browser.open(`${url}/cancel`, {})
    const { searchParams } = new URL(back)
    expect(searchParams.get('error')).toBe('access_denied')
    expect(searchParams.get('state')).toBe('the-state')
    expect(searchParams.get('iss')).toBe(identity.url)
    expect(searchParams.get('code')).toBeNull()
  })

  test('another browser, or another site, cannot answer it', async () => {
    const { url } = await openSignIn()
    const form = { user: 'ada', password: 'gatehouse' }
    const { response } = await new Browser(identity.url).open(`${url}/sign-in`, form)
    expect(response?.status).toBe(410)
    const foreign = await fetch(`${url}/sign-in`, {
      method: 'POST',
      headers: { origin: 'https://evil.test' },
      body: new URLSearchParams(form),
    })
    expect(foreign.status).toBe(403)
  })

  test('a body that is too long, or of another type, is refused', async () => {
    const { browser, url } = await openSignIn()
    const { response } = await browser.open(`${url}/sign-in`, { user: 'x'.repeat(20_000) })
    expect(response?.status).toBe(400)
  })
})

describe('code page', () => {
  test('shows the response for pasting, and the code works', async () => {
    verifies('AUTH-1.3')
    const { redirect } = await authorize(identity.url, 'ada', { redirect_uri: `${identity.url}/code` })
    expect(redirect.pathname).toBe('/code')
    const page = await fetch(redirect)
    const text = await page.text()
    expect(page.status).toBe(200)
    expect(text).toContain(redirect.searchParams.get('code'))
    expect(text).toContain('the-state')
    expect(page.headers.get('content-security-policy')).toMatch(/script-src 'sha256-[^']+'; form-action 'self'/)
  })

  test('escapes what it is given', async () => {
    const url = new URL('/code', identity.url)
    url.search = new URLSearchParams({ code: '"><script>alert(1)</script>', state: '<b>', iss: '' }).toString()
    const text = await (await fetch(url)).text()
    expect(text).not.toContain('<script>alert')
    expect(text).not.toContain('<b>')
  })

  test('a cancelled sign-in is told as such, and an empty address as a mistake', async () => {
    const cancelled = await fetch(`${identity.url}/code?error=access_denied&state=x`)
    expect(await cancelled.text()).toContain('You cancelled the sign-in.')
    expect((await fetch(`${identity.url}/code`)).status).toBe(400)
  })
})
