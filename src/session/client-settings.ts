import type { RegisteredClient } from './client-identity.ts'
import { SessionError } from './errors.ts'

/** RFC 6749 appendix A.1, without the space, which no provider gives out and a copied text often ends with. */
const CLIENT_ID = /^[\x21-\x7e]{1,256}$/

/** @throws SessionError `client_setting_invalid` */
export function checkedClient(client: RegisteredClient | undefined): RegisteredClient | undefined {
  if (client && !CLIENT_ID.test(client.id))
    throw new SessionError('client_setting_invalid', { detail: 'the client id' })
  return client
}

/**
 * draft-ietf-oauth-client-id-metadata-document, section 3: https, a path, and neither user name, query, fragment nor dot segments.
 * @throws SessionError `client_setting_invalid`
 */
export function checkedMetadataUrl(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isUsable =
    url?.protocol === 'https:' &&
    url.pathname !== '/' &&
    `${url.username}${url.password}${url.search}${url.hash}` === '' &&
    // As written, too: the address is compared with the document's own client_id, letter by letter.
    url.href === text
  if (!isUsable) throw new SessionError('client_setting_invalid', { detail: 'the address of the metadata document' })
  return text
}
