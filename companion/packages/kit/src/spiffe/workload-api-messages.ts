import protobuf from 'protobufjs/light.js'
import { z } from 'zod'

// The messages of workloadapi.proto (SPIFFE Workload API sections 5.1 and 6.1), declared here so that no .proto file is read at run time.

const { Field, MapField, Root, Type } = protobuf

const X509Svid = new Type('X509SVID')
  .add(new Field('spiffeId', 1, 'string'))
  .add(new Field('certificates', 2, 'bytes'))
  .add(new Field('key', 3, 'bytes'))
  .add(new Field('bundle', 4, 'bytes'))
  .add(new Field('hint', 5, 'string'))
const X509Response = new Type('X509SVIDResponse')
  .add(new Field('svids', 1, 'X509SVID', 'repeated'))
  .add(new Field('crl', 2, 'bytes', 'repeated'))
  .add(new MapField('federatedBundles', 3, 'string', 'bytes'))
const JwtRequest = new Type('JWTSVIDRequest')
  .add(new Field('audience', 1, 'string', 'repeated'))
  .add(new Field('spiffeId', 2, 'string'))
const JwtSvid = new Type('JWTSVID').add(new Field('spiffeId', 1, 'string')).add(new Field('svid', 2, 'string'))
const JwtResponse = new Type('JWTSVIDResponse').add(new Field('svids', 1, 'JWTSVID', 'repeated'))
const JwtBundlesResponse = new Type('JWTBundlesResponse').add(new MapField('bundles', 1, 'string', 'bytes'))

const root = new Root()
for (const type of [X509Svid, X509Response, JwtRequest, JwtSvid, JwtResponse, JwtBundlesResponse]) root.add(type)
root.resolveAll()

const Bytes = z
  .custom<Uint8Array>((value) => value instanceof Uint8Array && value.length > 0)
  .transform((value) => Buffer.from(value))
/** By `spiffe://TRUST-DOMAIN`. */
const Bundles = z.record(z.string().max(300), Bytes).refine((bundles) => Object.keys(bundles).length <= 100)

/** Section 5.2.1: all but the hint and the federated bundles are mandatory. Revocation lists are not used: SVIDs are short-lived instead. */
const X509Update = z.object({
  svids: z
    .array(z.object({ spiffeId: z.string(), certificates: Bytes, key: Bytes, bundle: Bytes }))
    .min(1)
    .max(100),
  federatedBundles: Bundles.default({}),
})

const JwtBundlesUpdate = z.object({ bundles: Bundles })
const JwtAnswer = z.object({
  svids: z
    .array(z.object({ spiffeId: z.string(), svid: z.string().min(1).max(8192) }))
    .min(1)
    .max(100),
})

/** @throws when the bytes are no such message, or one that lacks what is mandatory */
export const readX509Update = (bytes: Buffer) => X509Update.parse(plain(X509Response, bytes))
export const readJwtBundlesUpdate = (bytes: Buffer) => JwtBundlesUpdate.parse(plain(JwtBundlesResponse, bytes))
export const readJwtAnswer = (bytes: Buffer) => JwtAnswer.parse(plain(JwtResponse, bytes))

export function writeJwtRequest(audience: string, spiffeId: string): Buffer {
  return Buffer.from(JwtRequest.encode({ audience: [audience], spiffeId }).finish())
}

function plain(type: protobuf.Type, bytes: Buffer): unknown {
  return type.toObject(type.decode(bytes), { arrays: true, objects: true, defaults: true })
}
