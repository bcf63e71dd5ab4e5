import { type BoundKey, generateKey, openKey } from './device-key.ts'
import type { Vault } from './vault.ts'

/** The device keys of this window, one for each issuer, generated once. */
export class KeyRing {
  readonly #open = new Map<string, Promise<BoundKey>>()

  constructor(
    readonly vault: Vault,
    /** Two windows that need a first key at once must not make two. */
    readonly locked: <T>(issuer: string, work: () => Promise<T>) => Promise<T>,
    readonly now: () => number,
  ) {}

  of(issuer: string): Promise<BoundKey> {
    const known = this.#open.get(issuer)
    if (known) return known
    const opening = this.#load(issuer)
    this.#open.set(issuer, opening)
    opening.catch(() => this.#open.delete(issuer))
    return opening
  }

  /** Forgets what is in memory; the store is read again. */
  close(): void {
    this.#open.clear()
  }

  async #load(issuer: string): Promise<BoundKey> {
    const stored = await this.vault.key(issuer)
    if (stored) return openKey(stored, this.now)
    const made = await this.locked(issuer, async () => {
      const others = await this.vault.key(issuer)
      if (others) return others
      const key = await generateKey()
      await this.vault.saveKey(issuer, key)
      return key
    })
    return openKey(made, this.now)
  }
}
