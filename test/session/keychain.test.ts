import { describe, expect, test } from 'vitest'
import { createKeychain, type Keytar } from '../../src/session/keychain.ts'
import { createSecretStore } from '../../src/session/secret-store.ts'
import { verifies } from '../requirements.ts'
import { MemoryStore } from '../support/session-window.ts'

/** Stands in for the native module, whose real self needs a keychain (test/engines/keyring.test.ts), and fails in ways it only sometimes does. */
class FakeKeytar implements Keytar {
  readonly entries = new Map<string, string>()
  behaviour: 'works' | 'fails' | 'hangs' | 'forgets' | 'read-only' = 'works'
  calls = 0
  #waiting: (() => void)[] = []

  async getPassword(_service: string, account: string): Promise<string | null> {
    await this.#behave()
    return this.entries.get(account) ?? null
  }
  async setPassword(_service: string, account: string, password: string): Promise<void> {
    await this.#behave()
    if (this.behaviour === 'read-only') throw new Error('locked')
    if (Buffer.byteLength(password) > 2560) throw new Error('The stub received bad data')
    if (this.behaviour !== 'forgets') this.entries.set(account, password)
  }
  async deletePassword(_service: string, account: string): Promise<boolean> {
    await this.#behave()
    return this.entries.delete(account)
  }
  release(): void {
    for (const wake of this.#waiting.splice(0)) wake()
  }
  async #behave(): Promise<void> {
    this.calls++
    if (this.behaviour === 'fails') throw new Error('Cannot autolaunch D-Bus without X11 $DISPLAY')
    if (this.behaviour === 'hangs') await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }
}

describe('the keychain', () => {
  test.each([0, 1, 2398, 2399, 2400, 2401, 9000, 40_000])(
    'keeps a value of %i bytes in entries that Windows can hold',
    async (size) => {
      const keytar = new FakeKeytar()
      const keychain = createKeychain(keytar)
      const value = size % 2 === 0 ? 'x'.repeat(size) : `${'=#'.repeat((size - 1) / 2)}=`
      await keychain.set('key', value)
      expect(await keychain.get('key')).toBe(value)
      await keychain.set('key', 'short')
      expect([await keychain.get('key'), keytar.entries.size]).toEqual(['short', 1])
      await keychain.set('key', value)
      await keychain.delete('key')
      expect([await keychain.get('key'), keytar.entries.size]).toEqual([undefined, 0])
    },
  )

  test('keeps text beyond ASCII, in one entry and in several', async () => {
    const keychain = createKeychain(new FakeKeytar())
    for (const value of ['𝒳é', '𝒳é'.repeat(3000)]) {
      await keychain.set('key', value)
      expect(await keychain.get('key')).toBe(value)
    }
  })

  test('a call that fails is told with a code', async () => {
    verifies('AUTH-3.3')
    const keytar = new FakeKeytar()
    keytar.behaviour = 'fails'
    await expect(createKeychain(keytar).get('key')).rejects.toMatchObject({ code: 'keychain_unavailable' })
  })

  test('a call that hangs is given up, and no other is begun until it comes back', async () => {
    verifies('AUTH-3.3')
    const keytar = new FakeKeytar()
    const keychain = createKeychain(keytar, { timeLimit: 50 })
    keytar.behaviour = 'hangs'
    await expect(keychain.get('key')).rejects.toMatchObject({ code: 'keychain_unavailable' })
    expect(keytar.calls).toBe(1)
    keytar.behaviour = 'works'
    await expect(keychain.get('key')).rejects.toMatchObject({ code: 'keychain_unavailable' })
    expect(keytar.calls).toBe(1)
    keytar.release()
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(await keychain.get('key')).toBeUndefined()
  })
})

describe('the choice of the store', () => {
  const withKeytar = (keytar: FakeKeytar | Error, fallback = new MemoryStore()) => {
    const warnings: string[] = []
    const store = createSecretStore({
      loadKeytar: async () => {
        if (keytar instanceof Error) throw keytar
        return keytar
      },
      fallback,
      timeLimit: 50,
      log: { info: () => {}, warn: (message) => warnings.push(message) },
    })
    return { store, fallback, warnings }
  }

  test('a working keychain is used, and leaves no trace of having been tried', async () => {
    verifies('AUTH-3.1')
    const keytar = new FakeKeytar()
    const { store, fallback } = withKeytar(keytar)
    await store.set('key', 'value')
    expect([...keytar.entries.keys()]).toEqual(['key'])
    expect([fallback.entries.size, store.label]).toEqual([0, 'the keychain of this machine'])
  })

  test.each(['fails', 'hangs', 'forgets', 'read-only', 'missing'] as const)(
    'a keychain that %s: the fallback, and it is said',
    async (behaviour) => {
      verifies('AUTH-3.1', 'AUTH-3.3')
      const keytar = new FakeKeytar()
      if (behaviour !== 'missing') keytar.behaviour = behaviour
      const { store, fallback, warnings } = withKeytar(behaviour === 'missing' ? new Error('no binary') : keytar)
      await store.set('key', 'value')
      expect([fallback.entries.get('key'), store.label, warnings.length]).toEqual(['value', 'memory', 1])
      expect(await store.get('key')).toBe('value')
    },
  )

  test('the choice holds: a keychain that fails later is an error, and nothing moves to the fallback', async () => {
    verifies('AUTH-3.1', 'AUTH-3.3')
    const keytar = new FakeKeytar()
    const { store, fallback } = withKeytar(keytar)
    await store.set('key', 'value')
    keytar.behaviour = 'fails'
    for (const call of [store.get('key'), store.set('key', 'other'), store.delete('key')]) {
      await expect(call).rejects.toMatchObject({ code: 'keychain_unavailable' })
    }
    expect(fallback.entries.size).toBe(0)
    keytar.behaviour = 'works'
    expect(await store.get('key')).toBe('value')
  })
})
