import type { Attack, Facts } from './attack.ts'

const INVALID = { code: 'token_invalid' }

/** A key set that the attacker would like to be asked. */
const theirs = ({ other }: Facts) => ({ ...other.jwk, kid: 'issuer', use: 'sig' })

export const TOKENS: readonly Attack[] = [
  { id: 'no token at all', authorization: [], refused: { code: 'token_missing' } },
  { id: 'alg none', tokenHeader: () => ({ alg: 'none' }), signing: 'nothing', refused: INVALID },
  { id: 'alg None, in another case', tokenHeader: () => ({ alg: 'nOnE' }), signing: 'nothing', refused: INVALID },
  { id: 'alg none with a genuine signature', tokenHeader: () => ({ alg: 'none' }), refused: INVALID },
  { id: 'ES256 without a signature', signing: 'nothing', refused: INVALID },
  {
    id: 'HS256 with the PEM of the public key',
    tokenHeader: () => ({ alg: 'HS256' }),
    signing: 'public PEM as secret',
    refused: INVALID,
  },
  {
    id: 'HS256 with the JWK of the public key',
    tokenHeader: () => ({ alg: 'HS256' }),
    signing: 'public JWK as secret',
    refused: INVALID,
  },
  { id: 'RS256 by a key of its own', tokenHeader: () => ({ alg: 'RS256' }), signing: 'RSA', refused: INVALID },
  { id: 'another key under the issuer’s key id', signing: 'stranger', refused: INVALID },
  { id: 'an unknown key id', tokenHeader: () => ({ kid: 'somebody' }), refused: INVALID },
  {
    id: 'an unknown key id and another key',
    tokenHeader: () => ({ kid: 'somebody' }),
    signing: 'stranger',
    refused: INVALID,
  },
  {
    id: 'a key id that is a path',
    tokenHeader: () => ({ kid: '../../../../dev/null' }),
    signing: 'stranger',
    refused: INVALID,
  },
  { id: 'a critical header', tokenHeader: () => ({ crit: ['exp'], exp: 0 }), refused: INVALID },
  {
    id: 'a critical header that nobody knows',
    tokenHeader: () => ({ crit: ['gatehouse'], gatehouse: true }),
    refused: INVALID,
  },
  {
    id: 'its own key in jwk',
    tokenHeader: (facts) => ({ jwk: theirs(facts), kid: undefined }),
    signing: 'stranger',
    refused: INVALID,
  },
  {
    id: 'its own keys at jku',
    tokenHeader: () => ({ jku: 'http://127.0.0.1:9/jwks' }),
    signing: 'stranger',
    refused: INVALID,
  },
  {
    id: 'its own certificate at x5u',
    tokenHeader: () => ({ x5u: 'http://127.0.0.1:9/x' }),
    signing: 'stranger',
    refused: INVALID,
  },
  { id: 'its own certificate in x5c', tokenHeader: () => ({ x5c: ['AAAA'] }), signing: 'stranger', refused: INVALID },
  { id: 'an ID token', tokenHeader: () => ({ typ: 'JWT' }), refused: INVALID },
  { id: 'an approval receipt', tokenHeader: () => ({ typ: 'gatehouse-approval+jwt' }), refused: INVALID },
  { id: 'another issuer', claims: () => ({ iss: 'https://idp.attacker.example' }), refused: INVALID },
  { id: 'the issuer with a slash', claims: ({ issuer }) => ({ iss: `${issuer}/` }), refused: INVALID },
  { id: 'no issuer', claims: () => ({ iss: undefined }), refused: INVALID },
  { id: 'another audience', claims: () => ({ aud: 'https://elsewhere.example/mcp' }), refused: INVALID },
  { id: 'the token of another server', claims: ({ endpoint }) => ({ aud: endpoint('vault') }), refused: INVALID },
  {
    id: 'the token of this server and another',
    claims: ({ endpoint }) => ({ aud: [endpoint('presto'), endpoint('vault')] }),
    refused: INVALID,
  },
  { id: 'an audience with a slash', claims: ({ endpoint }) => ({ aud: `${endpoint('presto')}/` }), refused: INVALID },
  {
    id: 'the audience of the whole origin',
    claims: ({ endpoint }) => ({ aud: new URL(endpoint('presto')).origin }),
    refused: INVALID,
  },
  {
    id: 'an audience in capitals',
    claims: ({ endpoint }) => ({ aud: endpoint('presto').toUpperCase() }),
    refused: INVALID,
  },
  { id: 'no audience', claims: () => ({ aud: undefined }), refused: INVALID },
  { id: 'expired', claims: ({ now }) => ({ exp: now - 60 }), refused: { code: 'token_expired' } },
  {
    id: 'expiring in the year 0',
    claims: () => ({ exp: 0 }),
    refused: { code: 'token_expired', edgeCode: 'token_invalid' },
  },
  { id: 'without an end', claims: () => ({ exp: undefined }), refused: INVALID },
  { id: 'an end that is a text', claims: () => ({ exp: '9999999999' }), refused: INVALID },
  { id: 'not yet valid', claims: ({ now }) => ({ nbf: now + 300 }), refused: INVALID },
  { id: 'issued in the future', claims: ({ now }) => ({ iat: now + 300 }), refused: INVALID },
  { id: 'without a subject', claims: () => ({ sub: undefined }), refused: INVALID },
  { id: 'groups as a text', claims: () => ({ groups: 'ads' }), refused: INVALID },
  { id: 'groups as numbers', claims: () => ({ groups: [1, 2] }), refused: INVALID },
  { id: 'groups as numbers among names', claims: () => ({ groups: ['ads', 7] }), refused: INVALID },
  { id: 'groups as an object', claims: () => ({ groups: { ads: true } }), refused: INVALID },
  { id: 'groups within groups', claims: () => ({ groups: [['ads']] }), refused: INVALID },
  {
    id: '5,000 groups',
    claims: () => ({ groups: groups(5_000) }),
    refused: { code: 'token_too_long' },
  },
  { id: '1,001 groups', claims: () => ({ groups: groups(1_001) }), refused: INVALID },
  { id: 'roles as a text', claims: () => ({ roles: 'analyst' }), refused: INVALID },
  { id: 'a token of 9,000 characters', token: 'A'.repeat(9_000), refused: { code: 'token_too_long' } },
  {
    id: 'a genuine token of 9,000 characters',
    claims: () => ({ padding: 'x'.repeat(6_500) }),
    refused: { code: 'token_too_long' },
  },
  {
    id: 'a token beyond what headers may have',
    token: 'A'.repeat(60_000),
    refused: { code: 'headers_too_large' },
  },
  { id: 'a token that is none', token: 'e30.e30.e30', refused: INVALID },
  { id: 'a token encrypted for nobody', token: 'e30.e30.e30.e30.e30', refused: INVALID },
  {
    id: 'a client that nobody registered',
    claims: () => ({ client_id: 'elsewhere' }),
    refused: { code: 'client_unknown' },
  },
  {
    id: 'a client’s name with a space after it',
    claims: () => ({ client_id: 'gatehouse-cli ' }),
    refused: { code: 'client_unknown' },
  },
  {
    id: 'a user’s token that calls itself a workload',
    claims: () => ({ sub: 'spiffe://company.example/nightly', groups: [] }),
    refused: { code: 'denied' },
  },
]

function groups(count: number): string[] {
  return ['ads', ...Array.from({ length: count - 1 }, () => 'x')]
}
