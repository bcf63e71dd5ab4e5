import { z } from 'zod'
import { CatalogError } from './errors.ts'

const PublicKey = z.object({
  kid: z.string().min(1).max(128),
  kty: z.literal('EC'),
  crv: z.literal('P-256'),
  x: z.string(),
  y: z.string(),
})
export type PublicKey = z.infer<typeof PublicKey>

/** RFC 7517: keys of other kinds are for others; ours is ES256. */
const KeySet = z.object({ keys: z.array(z.unknown()).max(100) })
const Pin = z.object({ keys: z.array(PublicKey), fetchedAt: z.number() })

/**
 * Where the registry's keys are pinned. It must not be the cache folder: whoever can write a forged list there could write the keys to it
 * too. The session's SecretStore fits, though keys are no secret.
 */
export interface KeyPins {
  get(key: string): Promise<string | undefined>
  set(key: string, value: string): Promise<void>
}

export interface RegistryKeysOptions {
  readonly registryUrl: string
  /** Answers with the JWKS. */
  fetch(signal: AbortSignal): Promise<unknown>
  readonly pins: KeyPins
  readonly now: () => number
}

/** An unknown key id causes one look, not one per attempt, milliseconds. */
const COOLDOWN = 30_000
/** So that a key the registry has withdrawn is not trusted for long, milliseconds. */
const MAX_AGE = 3_600_000

/**
 * The registry's signing keys. Online they are trusted because TLS to the registry's URL is; the pin carries that trust over to a start without
 * network, where it lets the cached list be verified.
 */
export class RegistryKeys {
  #known: z.infer<typeof Pin> | undefined
  #loaded = false
  #lookedAt = Number.NEGATIVE_INFINITY

  constructor(readonly options: RegistryKeysOptions) {}

  /** A key already known: what a cached list is verified with. */
  async known(kid: string): Promise<PublicKey | undefined> {
    await this.#load()
    return this.#known?.keys.find((key) => key.kid === kid)
  }

  /** A key, fetched where it is unknown or was last seen too long ago. @throws CatalogError */
  async find(kid: string, signal: AbortSignal): Promise<PublicKey | undefined> {
    await this.#load()
    const { now } = this.options
    const found = await this.known(kid)
    const fresh = this.#known !== undefined && now() - this.#known.fetchedAt < MAX_AGE
    if ((found && fresh) || now() - this.#lookedAt < COOLDOWN) return found
    this.#lookedAt = now()
    await this.#fetch(signal)
    return this.known(kid)
  }

  async #load(): Promise<void> {
    if (this.#loaded) return
    this.#loaded = true
    try {
      const text = await this.options.pins.get(this.#pin())
      if (text !== undefined) this.#known = Pin.parse(JSON.parse(text))
    } catch {
      // A pin that is damaged or cannot be read counts as none: the keys are fetched.
    }
  }

  async #fetch(signal: AbortSignal): Promise<void> {
    const set = KeySet.safeParse(await this.options.fetch(signal))
    if (!set.success) throw new CatalogError('registry_not_a_registry', { detail: 'its keys are not a JWK Set' })
    const keys = set.data.keys.flatMap((key) => PublicKey.safeParse(key).data ?? [])
    this.#known = { keys, fetchedAt: this.options.now() }
    try {
      await this.options.pins.set(this.#pin(), JSON.stringify(this.#known))
    } catch {
      // Only the next start without network is the poorer for it.
    }
  }

  #pin(): string {
    return `registry-keys ${this.options.registryUrl}`
  }
}
