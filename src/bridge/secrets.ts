import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/** One secret per start of a definition. Only hashes are kept; a new start opens no session with an older secret. */
export interface Secrets {
  /** A fresh secret, for the next start of `definition`. */
  issue(definition: string): string
  /** Whether `authorization` carries the newest secret of `definition`: needed to open a session. */
  opens(definition: string, authorization: string | undefined): boolean
}

const BEARER = /^Bearer ([A-Za-z0-9_-]{43})$/

export function createSecrets(): Secrets {
  const newest = new Map<string, Buffer>()
  return {
    issue(definition) {
      const secret = randomBytes(32).toString('base64url')
      newest.set(definition, hashed(secret))
      return secret
    },
    opens(definition, authorization) {
      const held = newest.get(definition)
      const shown = secretHash(authorization)
      return held !== undefined && shown !== undefined && timingSafeEqual(held, shown)
    },
  }
}

/** Hash of the bearer secret in an Authorization header: what a session remembers of the secret that opened it. */
export function secretHash(authorization: string | undefined): Buffer | undefined {
  const secret = BEARER.exec(authorization ?? '')?.[1]
  return secret === undefined ? undefined : hashed(secret)
}

function hashed(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}
