import { LIST_TYP, ListClaims, type ListedServer } from '@gatehouse/contracts'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { CliError } from '../cli-error.ts'
import { request } from '../http.ts'

export interface ListOwner {
  readonly user: string
  /** OAuth client id. */
  readonly client: string
}

/**
 * What the registry has approved for one person here, as it signed it.
 * @param send `fetch` that authorizes the request as this person's @throws CliError `list_invalid`, or as `request`
 */
export async function approvedList(
  registry: string,
  { user, client }: ListOwner,
  send: typeof fetch,
): Promise<readonly ListedServer[]> {
  const jws = await request(`${registry}/gatehouse/v1/list`, {}, send)
  const keys = createRemoteJWKSet(new URL(`${registry}/gatehouse/v1/keys`))
  try {
    const { payload } = await jwtVerify(jws.trim(), keys, {
      algorithms: ['ES256'],
      typ: LIST_TYP,
      issuer: registry,
      audience: client,
      subject: user,
      requiredClaims: ['exp'],
    })
    return ListClaims.parse(payload).servers
  } catch (cause) {
    throw new CliError('list_invalid', `the registry's list for ${user} cannot be verified`, { cause })
  }
}
