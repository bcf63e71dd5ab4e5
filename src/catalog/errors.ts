import { GatehouseError } from '@gatehouse/contracts'
import type { CatalogProblem } from './types.ts'

/** What the person reads for each code of this folder: what is wrong, and what to do. */
const CATALOG_TROUBLES = {
  registry_unreachable: 'The registry cannot be reached. Check the network or VPN, then refresh.',
  registry_timeout: 'The registry does not answer. Refresh; if it goes on, ask whoever runs the registry.',
  registry_not_a_registry:
    'Something other than a Gatehouse registry answers at the registry address. Check the setting “Gatehouse: Registry Url”.',
  list_refused:
    'The registry refuses your sign-in. Sign out and in again; if it goes on, ask whoever runs the registry.',
  clock_wrong:
    'The clock of this machine is too far from the registry’s, so your sign-in is not accepted there. Set it right, then refresh.',
  list_signature:
    'The list of approved servers is not signed by the registry, so it is not used. Tell your security team.',
  list_expired: 'The list of approved servers has expired, so no server can be used until the registry answers.',
  list_invalid: 'The list of approved servers is not made for you, this editor and this registry, so it is not used.',
} as const

export type CatalogErrorCode = keyof typeof CATALOG_TROUBLES

/** Why a list was not fetched or is not used. `detail` is our own words, never text of an outsider. */
export class CatalogError extends GatehouseError {
  declare readonly code: CatalogErrorCode
  constructor(code: CatalogErrorCode, options: ErrorOptions & { readonly detail?: string } = {}) {
    const words = CATALOG_TROUBLES[code]
    super(
      code,
      options.detail ? `${words} (${options.detail})` : words,
      options.cause ? { cause: options.cause } : undefined,
    )
  }
}

/** An error of the session (signed out, identity provider down) keeps its own code and words; anything else counts as the registry's fault. */
export function problemOf(error: unknown): CatalogProblem {
  const known = error instanceof GatehouseError ? error : new CatalogError('registry_unreachable')
  return { code: known.code, message: known.message }
}
