import './reflect-metadata.ts'
import { randomUUID, X509Certificate as NodeCertificate } from 'node:crypto'
import type { SpiffeId } from '@gatehouse/contracts'
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'
import { exportJWK, exportPKCS8, type JWK, SignJWT } from 'jose'
import type { Claims } from './issuer.ts'

export { KeyUsageFlags }

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

/** How an X.509-SVID is to be; everything that it should not be can be asked for too. */
export interface SvidOptions {
  /** Seconds from now until it expires; below zero, it has. 600 unless told. */
  readonly life?: number
  /** Seconds from now from which it is valid; an hour ago unless told. */
  readonly from?: number
  /** URIs in place of the one SPIFFE id: none, two, another trust domain's, or none at all of ours. */
  readonly uris?: readonly string[]
  /** Also a name of another kind. */
  readonly dns?: string
  /** A leaf that calls itself an authority. */
  readonly ca?: boolean
  /** In place of `digitalSignature`. */
  readonly keyUsage?: KeyUsageFlags
  /** Issued by an intermediate authority, which stands in the chain. */
  readonly intermediate?: boolean
}

/** An X.509-SVID with its key. */
export interface TestSvid {
  readonly spiffeId: SpiffeId
  /** The leaf and its intermediates, PEM. */
  readonly certificates: string
  /** The same as DER, one after another. */
  readonly chain: Buffer
  readonly leaf: NodeCertificate
  /** PKCS #8, PEM. */
  readonly key: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

/** The authority of a trust domain: signs with real keys whatever a test asks of it. */
export class TrustDomain {
  readonly name: string
  /** The X.509 authority, PEM. */
  readonly bundle: string
  /** The same as DER. */
  readonly bundleDer: Buffer
  /** Keys of JWT-SVIDs, as the Workload API gives them. */
  readonly jwks: { readonly keys: readonly JWK[] }
  private readonly root: X509Certificate
  private readonly rootKeys: CryptoKeyPair
  private readonly jwtKeys: CryptoKeyPair
  private readonly kid: string

  private constructor(name: string, root: X509Certificate, rootKeys: CryptoKeyPair, jwtKeys: CryptoKeyPair, jwk: JWK) {
    this.name = name
    this.root = root
    this.rootKeys = rootKeys
    this.jwtKeys = jwtKeys
    this.bundle = root.toString('pem')
    this.bundleDer = Buffer.from(root.rawData)
    this.kid = randomUUID()
    this.jwks = { keys: [{ ...jwk, kid: this.kid }] }
  }

  static async create(name = 'gatehouse.local'): Promise<TrustDomain> {
    const [rootKeys, jwtKeys] = await Promise.all([keyPair(), keyPair()])
    const root = await authority(`CN=${name}`, `spiffe://${name}`, rootKeys)
    return new TrustDomain(name, root, rootKeys, jwtKeys, await exportJWK(jwtKeys.publicKey))
  }

  id(path: string): SpiffeId {
    return `spiffe://${this.name}/${path}`
  }

  async svid(path: string, options: SvidOptions = {}): Promise<TestSvid> {
    const { life = 600, from = -3600, ca = false } = options
    const keys = await keyPair()
    const issuer = options.intermediate ? await this.intermediate() : { certificate: this.root, keys: this.rootKeys }
    const uris = options.uris ?? [this.id(path)]
    const names = uris.map((value) => ({ type: 'url' as const, value }))
    const dns = options.dns ? [{ type: 'dns' as const, value: options.dns }] : []
    const notAfter = new Date(Date.now() + life * 1000)
    const leaf = await X509CertificateGenerator.create({
      subject: 'O=Test',
      issuer: issuer.certificate.subject,
      notBefore: new Date(Math.min(Date.now() + from * 1000, notAfter.getTime() - 1000)),
      notAfter,
      publicKey: keys.publicKey,
      signingKey: issuer.keys.privateKey,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new BasicConstraintsExtension(ca, undefined, true),
        new KeyUsagesExtension(options.keyUsage ?? KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
        ...(names.length + dns.length > 0 ? [new SubjectAlternativeNameExtension([...names, ...dns])] : []),
      ],
    })
    const chain = options.intermediate ? [leaf, issuer.certificate] : [leaf]
    return {
      spiffeId: this.id(path),
      certificates: chain.map((certificate) => certificate.toString('pem')).join('\n'),
      chain: Buffer.concat(chain.map(({ rawData }) => Buffer.from(rawData))),
      leaf: new NodeCertificate(Buffer.from(leaf.rawData)),
      key: await exportPKCS8(keys.privateKey),
      // A certificate's times are whole seconds.
      expiresAt: leaf.notAfter.getTime(),
    }
  }

  /** A good JWT-SVID, with `claims` on top; a claim or a header that is `undefined` is left out. */
  jwt(path: string, audience: string, claims: Claims = {}, header: Claims = {}): Promise<string> {
    const now = Math.floor(Date.now() / 1000)
    const all = { sub: this.id(path), aud: [audience], iat: now, exp: now + 300, ...claims }
    return new SignJWT(present(all))
      .setProtectedHeader({ alg: 'ES256', ...present({ kid: this.kid, typ: 'JWT', ...header }) })
      .sign(this.jwtKeys.privateKey)
  }

  private async intermediate(): Promise<{ certificate: X509Certificate; keys: CryptoKeyPair }> {
    const keys = await keyPair()
    const certificate = await authority(`CN=${this.name} intermediate`, `spiffe://${this.name}`, keys, {
      subject: this.root.subject,
      key: this.rootKeys.privateKey,
    })
    return { certificate, keys }
  }
}

function keyPair(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
}

/** Self-signed unless there is an issuer; for a year. */
function authority(
  subject: string,
  uri: string,
  keys: CryptoKeyPair,
  issuer: { subject: string; key: CryptoKey } = { subject, key: keys.privateKey },
): Promise<X509Certificate> {
  return X509CertificateGenerator.create({
    subject,
    issuer: issuer.subject,
    notBefore: new Date(Date.now() - 24 * 3_600_000),
    notAfter: new Date(Date.now() + 365 * 24 * 3_600_000),
    publicKey: keys.publicKey,
    signingKey: issuer.key,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      new SubjectAlternativeNameExtension([{ type: 'url', value: uri }]),
    ],
  })
}

function present(claims: Claims): Record<string, unknown> {
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined))
}
