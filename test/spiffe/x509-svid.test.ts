import { X509Certificate } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { certificatesOf, spiffeIdOf, verifyX509Svid } from '../../companion/packages/kit/src/spiffe/x509-svid.ts'
import { verifies } from '../requirements.ts'
import { KeyUsageFlags, type SvidOptions, TrustDomain } from '../support/svid.ts'

let ours: TrustDomain
let theirs: TrustDomain
beforeAll(async () => {
  ours = await TrustDomain.create()
  theirs = await TrustDomain.create('other.example')
})

describe('an X.509-SVID', () => {
  test.each<[string, SvidOptions]>([
    ['of its authority', {}],
    ['of an intermediate authority', { intermediate: true }],
    ['with a name of another kind beside its id', { dns: 'presto.company.example' }],
  ])('%s is believed', async (_title, options) => {
    verifies('AUTH-10.2')
    const { certificates } = await ours.svid('nightly', options)
    expect(verifyX509Svid(certificatesOf(certificates), bundles(ours, theirs), Date.now())).toBe(
      'spiffe://gatehouse.local/nightly',
    )
  })

  const uri = 'spiffe://gatehouse.local/nightly'
  test.each<[string, SvidOptions, string]>([
    ['without any name', { uris: [] }, 'svid_invalid'],
    ['with a host name alone', { uris: [], dns: 'gatehouse.local' }, 'svid_invalid'],
    ['with two ids', { uris: [uri, 'spiffe://gatehouse.local/admin'] }, 'svid_invalid'],
    ['with a second URI that is no id', { uris: [uri, 'https://gatehouse.local/'] }, 'svid_invalid'],
    ['with a URI that is no id', { uris: ['https://gatehouse.local/nightly'] }, 'svid_invalid'],
    ['with the id of a trust domain', { uris: ['spiffe://gatehouse.local'] }, 'svid_invalid'],
    ['with dots in its path', { uris: ['spiffe://gatehouse.local/a/../nightly'] }, 'svid_invalid'],
    ['with an upper-case trust domain', { uris: ['spiffe://Gatehouse.local/nightly'] }, 'svid_invalid'],
    ['with a port', { uris: ['spiffe://gatehouse.local:443/nightly'] }, 'svid_invalid'],
    ['with a query', { uris: [`${uri}?x=1`] }, 'svid_invalid'],
    ['that is an authority', { ca: true }, 'svid_invalid'],
    [
      'that may sign certificates',
      { keyUsage: KeyUsageFlags.digitalSignature | KeyUsageFlags.keyCertSign },
      'svid_invalid',
    ],
    ['that may sign revocations', { keyUsage: KeyUsageFlags.digitalSignature | KeyUsageFlags.cRLSign }, 'svid_invalid'],
    ['whose key may not sign', { keyUsage: KeyUsageFlags.keyAgreement }, 'svid_invalid'],
    ['that has expired', { life: -1 }, 'svid_expired'],
    ['that is not valid yet', { from: 300 }, 'svid_invalid'],
    [
      'that names another trust domain than its authority’s',
      { uris: ['spiffe://other.example/nightly'] },
      'svid_invalid',
    ],
    ['of a trust domain that is not known', { uris: ['spiffe://unknown.example/nightly'] }, 'svid_invalid'],
  ])('%s is refused', async (_title, options, code) => {
    verifies('AUTH-10.2')
    const { certificates } = await ours.svid('nightly', options)
    expect(() => verifyX509Svid(certificatesOf(certificates), bundles(ours, theirs), Date.now())).toThrow(
      expect.objectContaining({ code }),
    )
  })

  test('of a federated trust domain is believed while its bundle is there, and never for an id of ours', async () => {
    verifies('AUTH-10.2')
    const guest = certificatesOf((await theirs.svid('batch')).certificates)
    expect(verifyX509Svid(guest, bundles(ours, theirs), Date.now())).toBe('spiffe://other.example/batch')
    expect(() => verifyX509Svid(guest, bundles(ours), Date.now())).toThrow(/not trusted here/)
    const forged = await theirs.svid('nightly', { uris: ['spiffe://gatehouse.local/nightly'] })
    expect(() => verifyX509Svid(certificatesOf(forged.certificates), bundles(ours, theirs), Date.now())).toThrow(
      /not issued by an authority/,
    )
  })

  test('whose authority only bears the same name is refused', async () => {
    verifies('AUTH-10.2')
    const namesake = await TrustDomain.create()
    const { certificates } = await namesake.svid('nightly')
    expect(() => verifyX509Svid(certificatesOf(certificates), bundles(ours), Date.now())).toThrow(
      expect.objectContaining({ code: 'svid_invalid' }),
    )
  })

  test('whose intermediate is missing, expired by now, or a leaf itself, is refused', async () => {
    verifies('AUTH-10.2')
    const [leaf, intermediate] = certificatesOf((await ours.svid('nightly', { intermediate: true })).certificates)
    const other = await ours.svid('other')
    const chain = [leaf, intermediate] as X509Certificate[]
    expect(() => verifyX509Svid(chain.slice(0, 1), bundles(ours), Date.now())).toThrow(/not issued/)
    expect(() => verifyX509Svid([chain[0] as X509Certificate, other.leaf], bundles(ours), Date.now())).toThrow(
      /not issued/,
    )
    expect(() => verifyX509Svid([], bundles(ours), Date.now())).toThrow(/missing/)
  })

  test('is read to the byte: cut or altered, it is refused or unreadable, and never believed', async () => {
    verifies('AUTH-10.2')
    const { leaf } = await ours.svid('nightly')
    for (let at = 0; at < leaf.raw.length; at++) {
      const altered = Buffer.from(leaf.raw)
      altered[at] = (altered[at] ?? 0) ^ 0x01
      expect(() => verifyX509Svid([new X509Certificate(altered)], bundles(ours), Date.now())).toThrow()
      expect(() => spiffeIdOf(new X509Certificate(leaf.raw.subarray(0, at)))).toThrow()
    }
  })
})

function bundles(...domains: TrustDomain[]): ReadonlyMap<string, string> {
  return new Map(domains.map(({ name, bundle }) => [name, bundle]))
}
