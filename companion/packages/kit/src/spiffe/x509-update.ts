import { createPrivateKey, X509Certificate } from 'node:crypto'
import { splitDer } from './certificate-extensions.ts'
import { SpiffeError } from './spiffe-error.ts'
import type { X509Identity } from './workload-identity.ts'
import { readX509Update } from './workload-api-messages.ts'
import { spiffeIdOf, verifyX509Svid } from './x509-svid.ts'

const MOST_CERTIFICATES = 200
const TRUST_DOMAIN = /^spiffe:\/\/([a-z0-9._-]{1,255})$/

/**
 * An X509SVIDResponse, parsed once and for all: the first SVID is the default one (SPIFFE Workload API section 5.3), and it holds together.
 * @param now milliseconds since the epoch
 * @throws SpiffeError `workload_api_failed`, or that of the SVID
 */
export function readX509Identity(message: Buffer, now: number): X509Identity {
  const update = readX509Update(message)
  const [svid] = update.svids
  if (!svid) throw failed('there is no SVID')
  const chain = certificates(svid.certificates)
  const [leaf] = chain
  if (!leaf) throw failed('the SVID has no certificate')
  const spiffeId = spiffeIdOf(leaf)
  if (spiffeId !== svid.spiffeId) throw failed('the certificate is that of another SPIFFE id than the answer says')
  const key = createPrivateKey({ key: svid.key, format: 'der', type: 'pkcs8' })
  if (!leaf.checkPrivateKey(key)) throw failed('the key is not that of the certificate')
  const [domain = ''] = spiffeId.slice('spiffe://'.length).split('/')
  const bundles = new Map<string, string>()
  for (const [id, bundle] of Object.entries(update.federatedBundles))
    bundles.set(trustDomainName(id), authorities(bundle))
  // The own one last: no federated bundle stands in for it.
  bundles.set(domain, authorities(svid.bundle))
  verifyX509Svid(chain, bundles, now)
  return {
    spiffeId,
    certificates: pem(chain),
    key: key.export({ format: 'pem', type: 'pkcs8' }).toString(),
    bundles,
    expiresAt: leaf.validToDate.getTime(),
  }
}

/** @param id `spiffe://TRUST-DOMAIN`. @throws SpiffeError `workload_api_failed` */
export function trustDomainName(id: string): string {
  const name = TRUST_DOMAIN.exec(id)?.[1]
  if (name === undefined) throw failed('a bundle is not that of a trust domain')
  return name
}

function authorities(der: Buffer): string {
  const list = certificates(der)
  if (list.length === 0) throw failed('a bundle is empty')
  return pem(list)
}

function certificates(der: Buffer): readonly X509Certificate[] {
  const parts = splitDer(der)
  if (parts.length > MOST_CERTIFICATES) throw failed('there are too many certificates')
  return parts.map((part) => new X509Certificate(part))
}

function pem(list: readonly X509Certificate[]): string {
  return list.map(String).join('')
}

function failed(what: string): SpiffeError {
  return new SpiffeError('workload_api_failed', `the Workload API gave no usable SVID: ${what}`)
}
