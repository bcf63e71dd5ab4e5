import { randomBytes } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { parseStrictJson } from '@gatehouse/contracts'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import { z } from 'zod'
import { IdentityError } from './errors.ts'

export interface ProviderKeys {
  /** Private ES256 key that signs access and identity tokens. */
  readonly signing: JWK
  /** Signs the cookies of an interaction. */
  readonly cookie: string
  /** 32 bytes from which DPoP nonces are derived (RFC 9449 §8). */
  readonly nonce: Buffer
}

const SigningKey = z.object({
  kty: z.literal('EC'),
  crv: z.literal('P-256'),
  alg: z.literal('ES256'),
  use: z.literal('sig'),
  kid: z.string(),
  x: z.string(),
  y: z.string(),
  d: z.string(),
})

/** Reads the keys, making them on first start. @throws IdentityError `data_folder_broken` */
export async function loadKeys(database: DatabaseSync): Promise<ProviderKeys> {
  const signing = SigningKey.safeParse(parseStrictJson(await secret(database, 'signing', newSigningKey)))
  const cookie = await secret(database, 'cookie', random)
  const nonce = Buffer.from(await secret(database, 'nonce', random), 'base64url')
  if (!signing.success || nonce.length !== 32) {
    throw new IdentityError('data_folder_broken', 'the data folder holds keys that cannot be read')
  }
  return { signing: signing.data, cookie, nonce }
}

async function secret(database: DatabaseSync, name: string, make: () => Promise<string>): Promise<string> {
  const found = database.prepare('SELECT value FROM secret WHERE name = ?').get(name)?.['value']
  if (typeof found === 'string') return found
  const value = await make()
  database.prepare('INSERT INTO secret (name, value) VALUES (?, ?)').run(name, value)
  return value
}

async function newSigningKey(): Promise<string> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const kid = randomBytes(12).toString('base64url')
  return JSON.stringify({ ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig', kid })
}

const random = async (): Promise<string> => randomBytes(32).toString('base64url')
