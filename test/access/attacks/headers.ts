import type { Attack, Control } from './attack.ts'

const GENUINE = 'Authorization: Bearer {token}'
const REPEATED = { code: 'authorization_repeated' }
const MALFORMED = { code: 'token_invalid' }
const IDENTITY = { code: 'identity_header_refused' }
/** What never became a request. */
const UNPARSED = { code: 'http_malformed' } as const
/** To the edge's parser it is the header that it seems to be. */
const SEEN_BY_EDGE = { ...UNPARSED, edgeCode: 'identity_header_refused' } as const
/** The edge reads it as RFC 9112 section 5.2 lets it: as the value of a header that says nothing. */
const VALUE_AT_EDGE = { ...UNPARSED, harmlessAtEdge: true } as const

/** The edge drops what `Connection` names before it looks at anything (RFC 9110 section 7.6.1). */
const NOMINATED = { ...IDENTITY, harmlessAtEdge: true } as const

export const AUTHORIZATION: readonly Attack[] = [
  { id: 'the header twice, the same', authorization: [GENUINE, GENUINE], refused: REPEATED },
  {
    id: 'the header twice, another first',
    authorization: ['Authorization: Bearer e30.e30.e30', GENUINE],
    refused: REPEATED,
  },
  {
    id: 'the header twice, another last',
    authorization: [GENUINE, 'Authorization: Bearer e30.e30.e30'],
    refused: REPEATED,
  },
  {
    id: 'the header twice, in another case',
    authorization: [GENUINE, 'AUTHORIZATION: Bearer {token}'],
    refused: REPEATED,
  },
  {
    id: 'the header twice, one of another scheme',
    authorization: ['Authorization: Basic YTpi', GENUINE],
    refused: REPEATED,
  },
  {
    id: 'two tokens with a comma',
    authorization: ['Authorization: Bearer {token}, Bearer {token}'],
    refused: { code: 'token_invalid', edgeCode: 'authorization_repeated' },
  },
  { id: 'a token after another scheme', authorization: ['Authorization: Basic x Bearer {token}'], refused: MALFORMED },
  { id: 'a token with a tail', authorization: ['Authorization: Bearer {token} x'], refused: MALFORMED },
  { id: 'another scheme', authorization: ['Authorization: Basic YTpi'], refused: MALFORMED },
  { id: 'no scheme', authorization: ['Authorization: {token}'], refused: MALFORMED },
  {
    id: 'the token in the query',
    authorization: [],
    target: '{path}?access_token={token}',
    refused: { code: 'token_missing' },
  },
  { id: 'the token in a cookie', authorization: ['Cookie: access_token={token}'], refused: { code: 'token_missing' } },
]

const NAMES = [
  'X-Forwarded-User',
  'x-forwarded-user',
  'X-FORWARDED-USER',
  'x-FoRwArDeD-gRoUpS',
  'X-Forwarded-Client-Id',
  'X-Forwarded-Token-Expires',
  'X-Forwarded-Key-Thumbprint',
  'X.Forwarded.User',
  'X-Forwarded.Groups',
  'Remote-User',
  'X-Remote-User',
  'X-Auth-Request-Groups',
  'X-Authenticated-User',
]
const UNDERSCORED = [
  'X_Forwarded_User',
  'x-forwarded_groups',
  'X_FORWARDED_CLIENT_ID',
  'X_Forwarded_Client_Cert',
  'REMOTE_USER',
]
const XFCC = 'X-Forwarded-Client-Cert: By=spiffe://company.example/presto;Hash=00;URI=spiffe://company.example/nightly'

export const IDENTITY_HEADERS: readonly Attack[] = [
  ...NAMES.map((name): Attack => ({ id: name, headers: [`${name}: finn`], refused: IDENTITY })),
  ...UNDERSCORED.map((name): Attack => ({ id: name, headers: [`${name}: finn`], refused: IDENTITY })),
  { id: 'the same header twice', headers: ['X-Forwarded-User: ada', 'X-Forwarded-User: finn'], refused: IDENTITY },
  { id: 'an empty header', headers: ['X-Forwarded-User:'], refused: IDENTITY },
  { id: 'the caller’s own name', headers: ['X-Forwarded-User: ada'], refused: IDENTITY },
  { id: 'a header and no token', headers: ['X-Forwarded-User: ada'], authorization: [], refused: IDENTITY },
  { id: 'groups as the edge writes them', headers: ['X-Forwarded-Groups: WyJmaW5hbmNlIl0'], refused: IDENTITY },
  { id: 'the certificate of a workload', headers: [XFCC], refused: IDENTITY },
  { id: 'the certificate of a workload and no token', headers: [XFCC], authorization: [], refused: IDENTITY },
  { id: 'the certificate of a workload twice', headers: [XFCC, XFCC], refused: IDENTITY },
  {
    id: 'a header that is to be taken for one of the connection’s',
    headers: ['Connection: close, x-forwarded-user', 'X-Forwarded-User: finn'],
    refused: NOMINATED,
  },
  { id: 'a header on a folded line', headers: ['X-Harmless: a', ' X-Forwarded-User: finn'], refused: VALUE_AT_EDGE },
  { id: 'a header folded by a tab', headers: ['X-Forwarded-User:', '\tfinn'], refused: SEEN_BY_EDGE },
  { id: 'a space before the colon', headers: ['X-Forwarded-User : finn'], refused: UNPARSED },
  { id: 'a line that ends in a mere LF', headers: ['X-Harmless: a\nX-Forwarded-User: finn'], refused: SEEN_BY_EDGE },
  { id: 'a line that ends in a mere CR', headers: ['X-Harmless: a\rX-Forwarded-User: finn'], refused: VALUE_AT_EDGE },
  { id: 'a NUL in a name', headers: ['X-Forwarded-\0User: finn'], refused: UNPARSED },
]

/** What does not say who calls changes nothing: the call is the caller's own, at the address that the token is for. */
export const HARMLESS: readonly Control[] = [
  { id: 'X-Forwarded-Host', headers: ['X-Forwarded-Host: {vaultHost}'] },
  { id: 'X-Forwarded-Proto', headers: ['X-Forwarded-Proto: https'] },
  { id: 'X-Forwarded-For', headers: ['X-Forwarded-For: 10.0.0.1'] },
  { id: 'Forwarded', headers: ['Forwarded: for=10.0.0.1;host={vaultHost};proto=https'] },
  { id: 'X-Original-URL', headers: ['X-Original-URL: {vault}'] },
  { id: 'X-Rewrite-URL', headers: ['X-Rewrite-URL: {vault}'] },
  { id: 'X-Gatehouse-Channel', headers: ['X-Gatehouse-Channel: #support-infra'] },
  { id: 'X-HTTP-Method-Override', headers: ['X-HTTP-Method-Override: DELETE'] },
  { id: 'the scheme in another case', authorization: ['Authorization: bearer {token}'] },
  { id: 'two spaces after the scheme', authorization: ['Authorization: Bearer  {token}'] },
]
