import { GatehouseError } from '@gatehouse/contracts'
import { type CompactVerifyGetKey, createLocalJWKSet, errors } from 'jose'
import { z } from 'zod'
import { fetchJson } from '../http/fetch-json.ts'

/** The keys by which an access token could be verified are not to be had. */
export class KeysUnavailable extends GatehouseError {
  constructor(cause: unknown) {
    super('issuer_unreachable', 'the keys of the identity provider cannot be fetched', { cause })
  }
}

const Metadata = z.object({ issuer: z.string(), jwks_uri: z.url() })
const KeySet = z.object({ keys: z.array(z.looseObject({ kty: z.string() })).max(100) })

/** Milliseconds for one document. */
const TIMEOUT = 5_000
/** Bytes of one document. */
const LONGEST = 256 * 1024
/** Keys older than this are fetched again beside the work, milliseconds. */
const FRESH = 600_000
/** Between two attempts to fetch, milliseconds: made-up key ids cause no storm at the issuer. */
const COOLDOWN = 5_000

interface Fetched {
  readonly find: ReturnType<typeof createLocalJWKSet>
  readonly at: number
}

/**
 * The issuer's keys, found through OpenID Connect discovery on first use. They are fetched again when a token names one that is not there, which
 * is how a rotation shows, and now and then, which is how a withdrawal does. While the issuer is away, those that were fetched stay good.
 * @param now milliseconds since the epoch
 */
export function createIssuerKeys(
  issuer: string,
  fetcher: typeof fetch,
  now: () => number = Date.now,
): CompactVerifyGetKey {
  let location: string | undefined
  let fetched: Fetched | undefined
  let fetching: Promise<Fetched> | undefined
  /** Of the latest attempt. */
  let triedAt = Number.NEGATIVE_INFINITY
  let failure: unknown

  async function fetchKeys(): Promise<Fetched> {
    location ??= await discover(issuer, fetcher)
    const { keys } = KeySet.parse(await fetchJson(location, { fetcher, time: TIMEOUT, most: LONGEST }))
    return { find: createLocalJWKSet({ keys }), at: now() }
  }

  /** One attempt at a time. @throws KeysUnavailable */
  function refresh(): Promise<Fetched> {
    triedAt = now()
    fetching ??= fetchKeys()
      .then(
        (keys) => {
          failure = undefined
          fetched = keys
          return keys
        },
        (error: unknown) => {
          // It may have moved.
          location = undefined
          failure = error
          throw new KeysUnavailable(error)
        },
      )
      .finally(() => {
        fetching = undefined
      })
    return fetching
  }

  const mayTry = (): boolean => now() - triedAt >= COOLDOWN

  return async (header, token) => {
    const keys = fetched ?? (await refresh())
    if (now() - keys.at >= FRESH && mayTry()) refresh().catch(() => undefined)
    try {
      return await keys.find(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      const newer = fetching ?? (mayTry() ? refresh() : undefined)
      if (newer) return (await newer).find(header, token)
      if (failure !== undefined) throw new KeysUnavailable(failure)
      throw error
    }
  }
}

async function discover(issuer: string, fetcher: typeof fetch): Promise<string> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  const metadata = Metadata.parse(await fetchJson(url, { fetcher, time: TIMEOUT, most: LONGEST }))
  // OpenID Connect Discovery 1.0 section 4.3, RFC 8414 section 3.3.
  if (metadata.issuer !== issuer) throw new TypeError('discovery names another issuer')
  if (!isFetchable(metadata.jwks_uri, issuer)) throw new TypeError('discovery names keys that may not be fetched')
  return metadata.jwks_uri
}

/** Over TLS; else only where the issuer itself is, or within this machine if the issuer is: a document must not send us about the network. */
function isFetchable(address: string, issuer: string): boolean {
  const [keys, from] = [new URL(address), new URL(issuer)]
  if (keys.username !== '' || keys.password !== '') return false
  if (keys.protocol === 'https:') return true
  return keys.protocol === 'http:' && (keys.origin === from.origin || (isLoopback(keys) && isLoopback(from)))
}

function isLoopback({ protocol, hostname }: URL): boolean {
  return protocol === 'http:' && /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname)
}
