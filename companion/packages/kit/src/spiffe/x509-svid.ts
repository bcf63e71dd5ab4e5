import { X509Certificate } from 'node:crypto'
import { SpiffeId, trustDomainOf } from '@gatehouse/contracts'
import { extensionsOf } from './certificate-extensions.ts'
import { SpiffeError } from './spiffe-error.ts'

/** Certificates from a leaf to an authority, both counted. */
const LONGEST_CHAIN = 8

/**
 * The one SPIFFE id of a leaf certificate (X509-SVID sections 2 and 5.2). Says nothing of who issued it.
 * @throws SpiffeError `svid_invalid`
 */
export function spiffeIdOf(leaf: X509Certificate): SpiffeId {
  const { keyUsage, authority, uris } = extensionsOf(leaf)
  const [uri] = uris
  if (uri === undefined) throw invalid('has no SPIFFE id')
  if (uris.length > 1) throw invalid('has more than one URI')
  const id = SpiffeId.safeParse(uri)
  if (!id.success) throw invalid('has a URI that is no SPIFFE id of a workload')
  if (authority || leaf.ca) throw invalid('is that of an authority')
  if (!keyUsage?.digitalSignature) throw invalid('has a key that is not for signatures')
  if (keyUsage.keyCertSign || keyUsage.crlSign) throw invalid('has a key that may sign certificates')
  return id.data
}

/**
 * Who the bearer of a certificate is: its leaf is well formed, and leads to an authority of the trust domain that it names, and of no other.
 * Where TLS has verified the chain too, RFC 5280's other constraints were OpenSSL's to check.
 * @param chain the leaf first, then its intermediates in any order
 * @param bundles authorities by the name of their trust domain, PEM
 * @param now milliseconds since the epoch
 * @throws SpiffeError `svid_invalid`, `svid_expired`
 */
export function verifyX509Svid(
  chain: readonly X509Certificate[],
  bundles: ReadonlyMap<string, string>,
  now: number,
): SpiffeId {
  const [leaf, ...intermediates] = chain
  if (!leaf) throw invalid('is missing')
  const id = spiffeIdOf(leaf)
  checkTime(leaf, now)
  const bundle = bundles.get(trustDomainOf(id))
  if (bundle === undefined) throw invalid('is of a trust domain that is not trusted here')
  const authorities = certificatesOf(bundle).filter((authority) => isCurrent(authority, now))
  const usable = intermediates.filter((certificate) => certificate.ca && isCurrent(certificate, now))
  let subject = leaf
  for (let length = 1; length < LONGEST_CHAIN; length++) {
    if (authorities.some((authority) => issued(authority, subject))) return id
    const next = usable.findIndex((certificate) => issued(certificate, subject))
    const [issuer] = next < 0 ? [] : usable.splice(next, 1)
    if (!issuer) break
    subject = issuer
  }
  throw invalid('was not issued by an authority of its trust domain')
}

/** @returns the certificates of a PEM text. @throws when one is malformed */
export function certificatesOf(pem: string): readonly X509Certificate[] {
  return (pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map(
    (text) => new X509Certificate(text),
  )
}

function issued(issuer: X509Certificate, subject: X509Certificate): boolean {
  return subject.checkIssued(issuer) && subject.verify(issuer.publicKey)
}

function isCurrent(certificate: X509Certificate, now: number): boolean {
  return certificate.validFromDate.getTime() <= now && now < certificate.validToDate.getTime()
}

function checkTime(leaf: X509Certificate, now: number): void {
  if (now >= leaf.validToDate.getTime()) throw new SpiffeError('svid_expired', 'the certificate has expired')
  if (now < leaf.validFromDate.getTime()) throw invalid('is not valid yet')
}

function invalid(what: string): SpiffeError {
  return new SpiffeError('svid_invalid', `the certificate ${what}`)
}
