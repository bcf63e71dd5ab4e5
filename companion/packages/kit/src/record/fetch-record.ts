import {
  type Digest,
  GatehouseError,
  policyDigest,
  RECORD_TYP,
  RecordClaims,
  type ServerRecord,
} from '@gatehouse/contracts'
import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { RecordError } from './record-error.ts'

export interface Expected {
  /** Own id. */
  readonly id: string
  /** Own MCP endpoint. */
  readonly url: string
  readonly surfaceDigest: Digest
  /** Of its own policy; a record without a policy says nothing of it. */
  readonly policyDigest: Digest
}

export interface SignedRecord {
  readonly record: ServerRecord
  readonly jws: string
  /** Milliseconds since the epoch. */
  readonly issuedAt: number
  readonly expiresAt: number
}

/** The registry could not be asked, which says nothing about the server: `registry_unreachable`. */
export class RegistryError extends GatehouseError {}

const TIMEOUT = 3_000
const LONGEST = 4 * 1024 * 1024

export function createRecordSource(registry: string, fetcher: typeof fetch) {
  const keys = createRemoteJWKSet(new URL('/gatehouse/v1/keys', registry), {
    timeoutDuration: TIMEOUT,
    cooldownDuration: 5_000,
    [customFetch]: (url, init) => fetcher(url, init),
  })
  /** @throws RecordError when the registry says no, RegistryError when it says nothing */
  return async (expected: Expected, now: number): Promise<SignedRecord> => {
    const jws = await download(`${registry}/gatehouse/v1/records/${expected.id}`, fetcher)
    return verifyRecord(jws, keys, registry, expected, now)
  }
}

async function download(url: string, fetcher: typeof fetch): Promise<string> {
  const response = await fetcher(url, {
    signal: AbortSignal.timeout(TIMEOUT),
    redirect: 'error',
    headers: { accept: 'application/jwt' },
  }).catch((cause: unknown) => {
    throw new RegistryError('registry_unreachable', 'the registry cannot be reached', { cause })
  })
  if (response.status === 404) throw new RecordError('record_missing')
  if (response.status === 403) throw new RecordError('suspended')
  if (!response.ok) throw new RegistryError('registry_unreachable', `the registry answered ${response.status}`)
  const text = await response.text().catch((cause: unknown) => {
    throw new RegistryError('registry_unreachable', 'the registry stopped answering', { cause })
  })
  if (text.length > LONGEST) throw new RecordError('record_invalid')
  return text.trim()
}

async function verifyRecord(
  jws: string,
  keys: JWTVerifyGetKey,
  registry: string,
  expected: Expected,
  now: number,
): Promise<SignedRecord> {
  const { payload } = await jwtVerify(jws, keys, {
    algorithms: ['ES256'],
    typ: RECORD_TYP,
    issuer: registry,
    subject: expected.id,
    requiredClaims: ['iat', 'exp'],
    currentDate: new Date(now),
  }).catch((cause: unknown) => {
    if (cause instanceof errors.JWTExpired) throw new RecordError('record_expired')
    if (cause instanceof errors.JWKSTimeout || !(cause instanceof errors.JOSEError)) {
      throw new RegistryError('registry_unreachable', "the registry's keys cannot be fetched", { cause })
    }
    throw new RecordError('record_invalid', { cause })
  })
  const claims = RecordClaims.safeParse(payload)
  if (!claims.success || claims.data.record.id !== expected.id) throw new RecordError('record_invalid')
  const { record, iat, exp } = claims.data
  if (record.status === 'suspended') throw new RecordError('suspended')
  if (record.status !== 'listed') throw new RecordError('record_missing')
  if (record.url !== expected.url) throw new RecordError('record_invalid')
  if (record.surfaceDigest !== expected.surfaceDigest) throw new RecordError('surface_mismatch')
  if (record.policy && policyDigest(record.policy) !== expected.policyDigest) throw new RecordError('policy_mismatch')
  return { record, jws, issuedAt: iat * 1000, expiresAt: exp * 1000 }
}
