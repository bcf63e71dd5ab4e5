import { isSecure } from '../http/address.ts'
import { SessionError } from './errors.ts'

/**
 * The registry's resource identifier (RFC 9728 section 1.2) from what a person typed: origin, and path without a trailing slash.
 * @throws SessionError `registry_url_invalid`
 */
export function registryResource(text: string): string {
  let url: URL
  try {
    url = new URL(text.trim())
  } catch {
    throw new SessionError('registry_url_invalid', { detail: 'it is not a URL' })
  }
  if (!isSecure(url)) throw new SessionError('registry_url_invalid', { detail: 'it is not https' })
  if (url.username || url.password || url.search || url.hash) {
    throw new SessionError('registry_url_invalid', { detail: 'it holds more than an address' })
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`
}

/** Inserts a well-known path between host and path (RFC 8615; RFC 9728 section 3.1, RFC 8414 section 3.1). */
export function wellKnown(identifier: string, name: string): string {
  const url = new URL(identifier)
  return `${url.origin}/.well-known/${name}${url.pathname.replace(/\/+$/, '')}`
}
