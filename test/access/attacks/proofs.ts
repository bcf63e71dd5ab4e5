import { hash, randomUUID } from 'node:crypto'
import type { Attack, ForgedProof } from './attack.ts'

const INVALID = { code: 'dpop_invalid' }

/** Sent by the editor, whose token is bound to its key. */
const forged = (id: string, proof: ForgedProof): Attack => ({ id, client: 'editor', proof, refused: INVALID })

export const PROOFS: readonly Attack[] = [
  { id: 'no proof', client: 'editor', dpop: [], refused: INVALID },
  { id: 'an empty proof', client: 'editor', dpop: ['DPoP:'], refused: INVALID },
  { id: 'two proofs', client: 'editor', dpop: ['DPoP: {proof}', 'DPoP: {proof}'], refused: INVALID },
  { id: 'two proofs with a comma', client: 'editor', dpop: ['DPoP: {proof}, {proof}'], refused: INVALID },
  { id: 'a proof that was used', client: 'editor', proof: { used: true }, refused: { code: 'dpop_replayed' } },
  forged('by another device', { by: 'another device' }),
  forged('of another device, with the key of this one', {
    by: 'another device',
    header: ({ device }) => ({ jwk: device.jwk }),
  }),
  forged('for another URL', { claims: ({ endpoint }) => ({ htu: endpoint('vault') }) }),
  forged('for the URL of the origin', { claims: ({ endpoint }) => ({ htu: new URL(endpoint('presto')).origin }) }),
  forged('for a URL below', { claims: ({ endpoint }) => ({ htu: `${endpoint('presto')}/x` }) }),
  forged('for another method', { claims: () => ({ htm: 'GET' }) }),
  forged('for the method in another case', { claims: () => ({ htm: 'post' }) }),
  forged('ten minutes old', { claims: ({ now }) => ({ iat: now - 600 }) }),
  forged('from the future', { claims: ({ now }) => ({ iat: now + 600 }) }),
  forged('without a time', { claims: () => ({ iat: undefined }) }),
  forged('expired by its own word', { claims: ({ now }) => ({ exp: now - 1 }) }),
  forged('without an id', { claims: () => ({ jti: undefined }) }),
  forged('for no token', { claims: () => ({ ath: undefined }) }),
  forged('for another token', { claims: () => ({ ath: hash('sha256', randomUUID(), 'base64url') }) }),
  forged('alg none', { header: () => ({ alg: 'none' }), signed: 'nothing' }),
  forged('HS256 with the public key', { header: () => ({ alg: 'HS256' }), signed: 'public key as secret' }),
  forged('that is not signed', { signed: 'nothing' }),
  forged('of another type', { header: () => ({ typ: 'JWT' }) }),
  forged('without a key', { header: () => ({ jwk: undefined }) }),
  forged('with its private key', { header: ({ device }) => ({ jwk: device.privateKey.export({ format: 'jwk' }) }) }),
  forged('with a key id instead of a key', { header: () => ({ jwk: undefined, kid: 'device' }) }),
  forged('with a critical header', { header: () => ({ crit: ['b64'], b64: false }) }),
  {
    id: 'a bound token sent as Bearer',
    client: 'editor',
    authorization: ['Authorization: Bearer {token}'],
    refused: { code: 'bearer_not_allowed' },
  },
  {
    id: 'a bound token sent as Bearer without its proof',
    client: 'editor',
    authorization: ['Authorization: Bearer {token}'],
    dpop: [],
    refused: { code: 'bearer_not_allowed' },
  },
  {
    id: 'a token without a key, by the editor',
    client: 'editor',
    claims: () => ({ cnf: undefined }),
    authorization: ['Authorization: Bearer {token}'],
    refused: { code: 'bearer_not_allowed' },
  },
  { id: 'a token without a key, sent as DPoP', client: 'editor', claims: () => ({ cnf: undefined }), refused: INVALID },
  {
    id: 'a token bound to another device, with a proof by this one',
    client: 'editor',
    claims: ({ other }) => ({ cnf: { jkt: other.thumbprint } }),
    refused: INVALID,
  },
  {
    id: 'a token bound to a certificate',
    client: 'editor',
    claims: () => ({ cnf: { 'x5t#S256': 'x' } }),
    refused: INVALID,
  },
]
