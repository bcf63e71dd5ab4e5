import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { createPlanSeal, openSealKey } from '../../src/plans/seal.ts'
import { withWindowLock } from '../../src/session/window-lock.ts'
import { verifies } from '../requirements.ts'
import { MemoryStore } from '../support/session-window.ts'

it('two windows that need a first key at once make one, which later ones find', async () => {
  verifies('EDIT-3.3')
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-seal-'))
  try {
    const store = new MemoryStore()
    const open = () => openSealKey(store, (work) => withWindowLock(join(folder, 'plans.lock'), work))
    const [one, two] = await Promise.all([open(), open()])
    expect(one).toEqual(two)
    expect(await open()).toEqual(one)
    expect(one.byteLength).toBe(32)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

it('an entry that is no key is replaced, so that nothing is sealed with less', async () => {
  const store = new MemoryStore()
  await store.set('plan-seal', 'AAAA')
  const key = await openSealKey(store, (work) => work())
  expect(key.byteLength).toBe(32)
  expect(await openSealKey(store, (work) => work())).toEqual(key)
})

it('a key of another length is refused', () => {
  expect(() => createPlanSeal(new Uint8Array(31))).toThrow(RangeError)
})

it('a seal fits the text it was made for, under the key it was made with, and nothing else', () => {
  const seal = createPlanSeal(new Uint8Array(32))
  const made = seal.of('text')
  expect(seal.fits('text', made)).toBe(true)
  expect(seal.fits('Text', made)).toBe(false)
  expect(seal.fits('text', `${made}=`)).toBe(false)
  expect(createPlanSeal(new Uint8Array(32).fill(1)).fits('text', made)).toBe(false)
})
