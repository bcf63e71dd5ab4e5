import { expect, test } from 'vitest'
import { createSignInNotice } from '../../src/editor/sign-in-notice.ts'
import { statusView } from '../../src/editor/status-view.ts'
import type { SessionState } from '../../src/session/types.ts'
import { verifies } from '../requirements.ts'

const account = { subject: 'ada', name: 'Ada', groups: [], issuer: 'https://id.example' }
const at = Date.now() + 600_000
const signedIn = (endsAt?: number): SessionState => ({
  kind: 'signed-in',
  account,
  ...(endsAt === undefined ? {} : { endsAt }),
})
const ended: SessionState = { kind: 'signed-out', reason: 'It ran out.', code: 'session_ended' }

function open() {
  const shown: string[] = []
  let answer: (pressed: boolean) => void = () => {}
  const counts = { signIns: 0, ended: 0 }
  let focused = true
  const notice = createSignInNotice({
    show: (words) => {
      shown.push(words)
      return new Promise((resolve) => {
        answer = resolve
      })
    },
    isFocused: () => focused,
    signIn: async () => counts.signIns++,
    tellEnded: () => counts.ended++,
  })
  const settled = () => new Promise((resolve) => setImmediate(resolve))
  return {
    update: (...states: SessionState[]) => states.forEach((state) => notice.update(state)),
    close: (pressed: boolean) => {
      answer(pressed)
      return settled()
    },
    focus: (value: boolean) => {
      focused = value
    },
    shown,
    counts,
  }
}

test('an end that is near is told once, with a button that signs in again', async () => {
  verifies('AUTH-5.4')
  const { update, close, shown, counts } = open()
  update(signedIn(), signedIn(at), signedIn(at), signedIn(at + 1))
  expect(shown).toHaveLength(1)
  expect(shown[0]).toMatch(/your sign-in ends at .*\d/)
  await close(true)
  update(signedIn(at))
  expect([shown.length, counts.signIns]).toEqual([1, 1])
})

test('after another sign-in the next end is told again', async () => {
  const { update, close, shown } = open()
  update(signedIn(at))
  await close(false)
  update(signedIn(), signedIn(at))
  expect(shown).toHaveLength(2)
})

test('a sign-in that has ended is told, but not on top of the warning that stands', async () => {
  verifies('AUTH-5.4')
  const { update, close, counts } = open()
  update(signedIn(), ended)
  expect(counts.ended).toBe(1)
  update(signedIn(at), ended)
  expect(counts.ended).toBe(1)
  await close(false)
})

test('whoever signs out themselves is told nothing', () => {
  const { update, shown, counts } = open()
  update(signedIn(), { kind: 'signed-out' }, ended)
  expect([shown.length, counts.ended]).toEqual([0, 0])
})

test('of several windows the one in use speaks, once it is in use', () => {
  const { update, focus, shown } = open()
  focus(false)
  update(signedIn(at))
  expect(shown).toEqual([])
  focus(true)
  update(signedIn(at))
  expect(shown).toHaveLength(1)
})

test('the status bar shows the end, and signs in again; what waits for the person comes first', () => {
  verifies('AUTH-5.4')
  const catalog = { kind: 'loading' } as const
  expect(statusView(signedIn(at), catalog, 0)).toMatchObject({ command: 'gatehouse.signIn', tone: 'warning' })
  expect(statusView(signedIn(at), catalog, 1).command).toBe('gatehouse.showPlans')
  expect(statusView(signedIn(), catalog, 0).command).toBe('gatehouse.servers.focus')
})
