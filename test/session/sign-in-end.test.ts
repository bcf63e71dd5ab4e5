import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { SignInPolicy } from '../../src/session/policy.ts'
import { loopbackRedirect } from '../../src/session/redirect/loopback.ts'
import { createSession } from '../../src/session/session.ts'
import { endAfter } from '../../src/session/sign-in-end.ts'
import type { Session, SessionState } from '../../src/session/types.ts'
import { verifies } from '../requirements.ts'
import { eventually } from '../support/browser.ts'
import { MemoryStore } from '../support/session-window.ts'
import { type PlainProvider, startPlainProvider } from './plain-provider.ts'

const POLICY: SignInPolicy = {
  binding: 'where-offered',
  identity: 'unknown',
  registration: 'never',
  discovery: 'well-known',
  audience: 'unchecked',
}
const MINUTE = 60_000

let folder: string
let provider: PlainProvider
let store: MemoryStore
/** Of this machine, and of the provider; minutes since the test began. */
let ours: number
let theirs: number
const opened: Session[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-sign-in-end-'))
  provider = await startPlainProvider()
  store = new MemoryStore()
  ours = 0
  theirs = 0
})
afterEach(async () => {
  for (const session of opened.splice(0)) session.dispose()
  await provider.close()
  await rm(folder, { recursive: true, force: true })
})

const began = Date.now()
const now = (): number => began + ours * MINUTE
const pass = (minutes: number): void => {
  ours += minutes
  theirs += minutes
}

function open(): { session: Session; states: SessionState[] } {
  const states: SessionState[] = []
  const session = createSession({
    registryUrl: provider.resource,
    folder,
    secrets: store,
    policy: POLICY,
    redirects: () => loopbackRedirect(),
    openExternal: async (url) => {
      void fetch(url).then((response) => response.text())
      return true
    },
    now,
    lookEvery: 20,
    log: { info: () => undefined, warn: () => undefined },
  })
  session.onChange((state) => states.push(state))
  opened.push(session)
  return { session, states }
}
const signIn = (session: Session) => session.signIn(AbortSignal.timeout(20_000))
const endsAt = (session: Session): number | undefined => {
  const state = session.state()
  return state.kind === 'signed-in' ? state.endsAt : undefined
}
const refreshes = (): number =>
  provider.tokenRequests.filter(({ body }) => body.get('grant_type') === 'refresh_token').length
/** Until the window has stored what the provider said after so many refreshes. */
const refreshed = (times: number) =>
  eventually(
    () => refreshes() === times && [...store.entries.values()].some((entry) => entry.includes(`refresh-${times + 1}`)),
  )
/** Longer than several looks at the store and the clock. */
const looks = () => new Promise((resolve) => setTimeout(resolve, 150))

/** The sign-in lasts so many minutes in all, and so many after each refresh. */
function lasting(most: number, idle = most, member = 'refresh_expires_in'): void {
  provider.token = () => ({
    refresh_token: `refresh-${provider.tokenRequests.length}`,
    [member]: Math.min(idle, most - theirs) * 60,
  })
}

describe('an end that no refresh moves', () => {
  test.each(['refresh_expires_in', 'refresh_token_expires_in'])('told by %s is said in time', async (member) => {
    verifies('AUTH-5.4')
    lasting(600, 600, member)
    const { session } = open()
    await signIn(session)
    pass(580)
    await looks()
    expect([endsAt(session), refreshes()]).toEqual([undefined, 0])
    pass(6)
    expect(await eventually(() => endsAt(session))).toBeCloseTo(began + 600 * MINUTE, -4)
    // Whether it moves had to be tried, once.
    await looks()
    expect(refreshes()).toBe(1)
  })

  test('is said again after a reload of the window, and to another window', async () => {
    verifies('AUTH-5.4')
    lasting(600)
    const { session } = open()
    await signIn(session)
    const other = open()
    await other.session.restored
    pass(590)
    await eventually(() => endsAt(session) !== undefined && endsAt(other.session) !== undefined)
    session.dispose()
    const { session: reloaded } = open()
    await eventually(() => endsAt(reloaded))
  })

  test('is said no more after another sign-in', async () => {
    lasting(600)
    const { session, states } = open()
    await signIn(session)
    pass(590)
    await eventually(() => endsAt(session))
    theirs = 0
    await signIn(session)
    await looks()
    expect(endsAt(session)).toBeUndefined()
    expect(states.filter((state) => state.kind === 'signed-in' && state.endsAt !== undefined)).toHaveLength(1)
  })

  test('is right however wrong the clock of this machine is', async () => {
    verifies('AUTH-5.4')
    ours = -3000
    lasting(600)
    const { session } = open()
    await signIn(session)
    pass(580)
    await looks()
    expect(endsAt(session)).toBeUndefined()
    pass(10)
    await eventually(() => endsAt(session))
  })
})

describe('an end that each refresh moves', () => {
  test('is never said, since it is renewed in time', async () => {
    verifies('AUTH-5.4')
    lasting(6000, 30)
    const { session, states } = open()
    await signIn(session)
    for (let round = 1; round <= 4; round++) {
      pass(16)
      await refreshed(round)
    }
    await looks()
    expect(states.map(({ kind }) => kind)).toEqual(['signed-out', 'signing-in', 'signed-in'])
    expect(endsAt(session)).toBeUndefined()
  })

  test('is said once it moves no more', async () => {
    verifies('AUTH-5.4')
    lasting(50, 30)
    const { session } = open()
    await signIn(session)
    pass(16)
    await refreshed(1)
    pass(16)
    await refreshed(2)
    pass(8)
    expect(await eventually(() => endsAt(session))).toBeCloseTo(began + 50 * MINUTE, -4)
  })
})

test('without a refresh token the sign-in ends with its access token', async () => {
  verifies('AUTH-5.4')
  const { session } = open()
  await signIn(session)
  await looks()
  expect(endsAt(session)).toBeUndefined()
  pass(50)
  expect(await eventually(() => endsAt(session))).toBeCloseTo(began + 60 * MINUTE, -4)
})

test('a provider that says nothing of an end is asked nothing, and nothing is said', async () => {
  provider.token = () => ({ refresh_token: 'again' })
  const { session } = open()
  await signIn(session)
  pass(100_000)
  await looks()
  expect([endsAt(session), refreshes()]).toEqual([undefined, 0])
})

test('a provider that does not answer when the end is near: it is said, and unsaid once it answers', async () => {
  verifies('AUTH-5.4', 'AUTH-5.5')
  lasting(6000, 30)
  const { session } = open()
  await signIn(session)
  const renewed = provider.token
  provider.token = () => new Response('', { status: 503 })
  pass(20)
  await eventually(() => endsAt(session))
  expect(session.state().kind).toBe('signed-in')
  provider.token = renewed
  await eventually(() => session.state().kind === 'signed-in' && endsAt(session) === undefined)
})

describe('what a refresh says of the end', () => {
  const HOUR = 3_600_000
  const known = { at: 10 * HOUR, saidAt: 0, isFixed: false }

  test('an end that stays is fixed; one that moves with the time is not', () => {
    expect(endAfter(known, 10 * HOUR, HOUR)).toEqual({ at: 10 * HOUR, saidAt: HOUR, isFixed: true })
    expect(endAfter(known, 11 * HOUR, HOUR)).toEqual({ at: 11 * HOUR, saidAt: HOUR, isFixed: false })
    expect(endAfter(undefined, HOUR, 0)).toEqual({ at: HOUR, saidAt: 0, isFixed: false })
  })

  test('refreshes that follow each other closely tell nothing, however many', () => {
    let end = known
    for (const now of [1000, 4900, 9000]) end = endAfter(end, known.at + now, now)
    expect(end).toEqual({ at: known.at + 9000, saidAt: 9000, isFixed: false })
  })

  test('a statement from before the clock was set back is not compared with', () => {
    expect(endAfter({ ...known, saidAt: 5 * HOUR }, 12 * HOUR, HOUR)).toEqual({
      at: 12 * HOUR,
      saidAt: HOUR,
      isFixed: false,
    })
  })
})
