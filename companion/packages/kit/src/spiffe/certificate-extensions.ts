import type { X509Certificate } from 'node:crypto'
import { SpiffeError } from './spiffe-error.ts'

/** DER bytes after the first two of an object identifier under `id-ce` (2.5.29), in hexadecimal. */
const KEY_USAGE = '551d0f'
const BASIC_CONSTRAINTS = '551d13'
const SUBJECT_ALT_NAME = '551d11'

const TAG = { boolean: 0x01, bits: 0x03, octets: 0x04, oid: 0x06, sequence: 0x30, uri: 0x86, extensions: 0xa3 } as const

/** What Node does not tell of a certificate: the uses of its key, and its URIs apart from the rest of its names. */
export interface CertificateExtensions {
  /** RFC 5280 section 4.2.1.3; undefined when the extension is absent. */
  readonly keyUsage:
    | { readonly digitalSignature: boolean; readonly keyCertSign: boolean; readonly crlSign: boolean }
    | undefined
  /** `cA` of RFC 5280 section 4.2.1.9, as it stands: Node says no to it when the key's uses contradict it. */
  readonly authority: boolean
  /** RFC 5280 section 4.2.1.6, in the certificate's order. */
  readonly uris: readonly string[]
}

/** @throws SpiffeError `svid_invalid` */
export function extensionsOf(certificate: X509Certificate): CertificateExtensions {
  const [whole] = elementsOf(certificate.raw)
  const [signed] = elementsOf(whole?.value)
  const list = elementsOf(signed?.value).find(({ tag }) => tag === TAG.extensions)
  const [sequence] = elementsOf(list?.value)
  const found = new Map<string, Buffer>()
  for (const extension of elementsOf(sequence?.value)) {
    const parts = elementsOf(extension.value)
    const oid = parts.find(({ tag }) => tag === TAG.oid)?.value.toString('hex')
    const value = parts.find(({ tag }) => tag === TAG.octets)?.value
    if (!oid || !value) throw malformed()
    // RFC 5280 section 4.2: of two with one name, whoever reads it differently from us would believe the other.
    if (found.has(oid)) throw malformed()
    found.set(oid, value)
  }
  return {
    keyUsage: keyUsageOf(found.get(KEY_USAGE)),
    authority: isAuthority(found.get(BASIC_CONSTRAINTS)),
    uris: urisOf(found.get(SUBJECT_ALT_NAME)),
  }
}

function keyUsageOf(extension: Buffer | undefined): CertificateExtensions['keyUsage'] {
  if (!extension) return undefined
  const [bits] = elementsOf(extension)
  if (bits?.tag !== TAG.bits || bits.value.length < 2) throw malformed()
  const flags = bits.value[1] ?? 0
  // The highest bit is the first of the list.
  const has = (index: number) => (flags & (0x80 >> index)) !== 0
  return { digitalSignature: has(0), keyCertSign: has(5), crlSign: has(6) }
}

function isAuthority(extension: Buffer | undefined): boolean {
  const [constraints] = elementsOf(extension)
  const [first] = elementsOf(constraints?.value)
  return first?.tag === TAG.boolean && first.value[0] !== 0
}

function urisOf(extension: Buffer | undefined): readonly string[] {
  const [names] = elementsOf(extension)
  return elementsOf(names?.value)
    .filter(({ tag }) => tag === TAG.uri)
    .map(({ value }) => value.toString('latin1'))
}

/** DER elements that stand one after another, each whole: how SPIFFE sends several certificates. @throws SpiffeError `svid_invalid` */
export function splitDer(der: Buffer): readonly Buffer[] {
  return elementsOf(der).map(({ whole }) => whole)
}

interface Element {
  readonly tag: number
  readonly value: Buffer
  readonly whole: Buffer
}

/** Certificates have short tags and definite lengths alone; anything else is not one. */
function elementsOf(der: Buffer | undefined): readonly Element[] {
  const elements: Element[] = []
  let at = 0
  while (der && at < der.length) {
    const tag = der[at]
    let length = der[at + 1]
    if (tag === undefined || length === undefined) throw malformed()
    let start = at + 2
    if (length >= 0x80) {
      const bytes = length & 0x7f
      if (bytes === 0 || bytes > 4 || start + bytes > der.length) throw malformed()
      length = der.readUIntBE(start, bytes)
      start += bytes
    }
    if (start + length > der.length) throw malformed()
    elements.push({ tag, value: der.subarray(start, start + length), whole: der.subarray(at, start + length) })
    at = start + length
  }
  return elements
}

function malformed(): SpiffeError {
  return new SpiffeError('svid_invalid', 'the certificate cannot be read')
}
