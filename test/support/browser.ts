import { setTimeout as sleep } from 'node:timers/promises'

/** A person with a browser: cookies, redirects, and the local identity provider's sign-in page. */
export class Browser {
  readonly #cookies = new Map<string, string>()

  /**
   * Opens an authorization URL, signs in (or cancels) on the page it leads to, and follows every redirect as long as it stays on the
   * provider. Returns the address it was then sent to, unvisited: the client's redirect URI with the answer.
   */
  async signIn(authorizationUrl: string, user: string, decision: 'sign-in' | 'cancel' = 'sign-in'): Promise<string> {
    const { origin } = new URL(authorizationUrl)
    const page = await this.#follow(authorizationUrl, origin)
    if ('leaves' in page) return page.leaves
    const form = new URLSearchParams({ user, password: 'gatehouse' })
    const action = new URL(`${new URL(page.url).pathname}/${decision}`, origin).href
    const after = await this.#follow(action, origin, form)
    if (!('leaves' in after)) throw new Error(`the sign-in page did not let ${user} through: status ${after.status}`)
    return after.leaves
  }

  async #follow(
    url: string,
    origin: string,
    form?: URLSearchParams,
  ): Promise<{ leaves: string } | { url: string; status: number }> {
    let current = url
    let body = form
    for (let hop = 0; hop < 10; hop++) {
      const target = new URL(current)
      if (target.origin !== origin || target.pathname === '/code') return { leaves: current }
      const response = await fetch(target, {
        redirect: 'manual',
        headers: { cookie: [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
        ...(body ? { method: 'POST', body } : {}),
      })
      for (const cookie of response.headers.getSetCookie()) this.#keep(cookie)
      await response.text()
      const location = response.headers.get('location')
      if (location === null) return { url: current, status: response.status }
      current = new URL(location, current).href
      body = undefined
    }
    throw new Error('too many redirects')
  }

  #keep(cookie: string): void {
    const [pair = ''] = cookie.split(';')
    const at = pair.indexOf('=')
    const value = pair.slice(at + 1)
    if (value === '') this.#cookies.delete(pair.slice(0, at))
    else this.#cookies.set(pair.slice(0, at), value)
  }
}

/** Waits until `look` returns something, at most `limit` milliseconds. */
export async function eventually<T>(
  look: () => T | undefined | false | Promise<T | undefined | false>,
  limit = 5000,
): Promise<T> {
  const end = Date.now() + limit
  for (;;) {
    const found = await look()
    if (found) return found
    if (Date.now() > end) throw new Error('it did not happen in time')
    await sleep(10)
  }
}
