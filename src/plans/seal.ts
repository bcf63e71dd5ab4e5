import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

const SEAL_KEY_BYTES = 32

/**
 * Tells the plans that this extension has written from those that somebody else has put into its folder: whoever can write files there
 * could otherwise say that a person has approved a step, and a start that a reload has interrupted is taken up by itself.
 */
export interface PlanSeal {
  /** HMAC-SHA-256 over the text, base64url. */
  of(text: string): string
  fits(text: string, seal: string): boolean
}

/** @throws RangeError for a key that is not 32 bytes */
export function createPlanSeal(key: Uint8Array): PlanSeal {
  if (key.byteLength !== SEAL_KEY_BYTES) throw new RangeError(`the key must have ${SEAL_KEY_BYTES} bytes`)
  const of = (text: string) => createHmac('sha256', key).update(`gatehouse plan ${text}`, 'utf8').digest('base64url')
  return {
    of,
    fits(text, seal) {
      const [right, given] = [Buffer.from(of(text)), Buffer.from(seal)]
      return right.byteLength === given.byteLength && timingSafeEqual(right, given)
    },
  }
}

/** The part of the secret store that the key needs. */
interface Secrets {
  get(name: string): Promise<string | undefined>
  set(name: string, value: string): Promise<void>
}

const NAME = 'plan-seal'

/**
 * The key of this person on this machine, made at first use.
 * @param locked lets one window at a time run: two that need a first key at once must not make two
 */
export async function openSealKey(
  secrets: Secrets,
  locked: <T>(work: () => Promise<T>) => Promise<T>,
): Promise<Uint8Array> {
  const stored = async () => keyOf(await secrets.get(NAME))
  return (
    (await stored()) ??
    locked(async () => {
      const others = await stored()
      if (others) return others
      const key = randomBytes(SEAL_KEY_BYTES)
      await secrets.set(NAME, key.toString('base64url'))
      return key
    })
  )
}

/** An entry of another shape counts as none: the plans under it are set aside, and none of them runs. */
function keyOf(text: string | undefined): Uint8Array | undefined {
  const key = Buffer.from(text ?? '', 'base64url')
  return key.byteLength === SEAL_KEY_BYTES ? key : undefined
}
