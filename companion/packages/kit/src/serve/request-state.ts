import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { canonicalJson, type Json } from '@gatehouse/contracts'

/**
 * Seals what a server must remember between the rounds of one call (MCP 2026-07-28, basic/utilities/mrtr), since it keeps no session. It goes
 * through the client, so it is encrypted, bound to what it is for, and short-lived: AES-256-GCM with the binding as associated data.
 */
export interface StateSeal {
  seal(content: Json, binding: Json): string
  /** @returns undefined for whatever was not sealed with this key, for this binding, within its life: it is not said which */
  open(sealed: string, binding: Json): Json | undefined
}

export const STATE_KEY_BYTES = 32
/** Milliseconds: a person takes their time over a form. */
const LIFE = 15 * 60_000
const ALGORITHM = 'aes-256-gcm'
const IV_BYTES = 12
const TAG_BYTES = 16

/** Replicas that share the key open each other's. @throws RangeError for a key that is not 32 bytes */
export function createStateSeal(key: Uint8Array, now: () => number = Date.now): StateSeal {
  if (key.byteLength !== STATE_KEY_BYTES) throw new RangeError(`the key must have ${STATE_KEY_BYTES} bytes`)
  return {
    seal(content, binding) {
      const iv = randomBytes(IV_BYTES)
      const cipher = createCipheriv(ALGORITHM, key, iv).setAAD(associated(binding))
      const text = JSON.stringify({ content, expiresAt: now() + LIFE })
      const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url')
    },
    open(sealed, binding) {
      const bytes = Buffer.from(sealed, 'base64url')
      // Node skips what is not base64url; a text with such characters in it is not the one that was handed out.
      if (bytes.toString('base64url') !== sealed || bytes.byteLength <= IV_BYTES + TAG_BYTES) return undefined
      try {
        const iv = bytes.subarray(0, IV_BYTES)
        const decipher = createDecipheriv(ALGORITHM, key, iv, { authTagLength: TAG_BYTES })
          .setAAD(associated(binding))
          .setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES))
        const text = Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()])
        const { content, expiresAt } = JSON.parse(text.toString('utf8')) as { content: Json; expiresAt: number }
        return expiresAt > now() ? content : undefined
      } catch {
        return undefined
      }
    },
  }
}

function associated(binding: Json): Buffer {
  return Buffer.from(canonicalJson(binding), 'utf8')
}
