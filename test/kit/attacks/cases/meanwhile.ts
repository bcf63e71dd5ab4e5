import type { Attack } from '../attack.ts'

const replayed = { code: 'approval_replayed' }
/** The same caller with the same call learns what came of it. */
const answered = { code: 'approval_replayed', told: true } as const
const mismatch = { code: 'approval_mismatch' }
const invalid = { code: 'approval_invalid' }
const expired = { code: 'approval_expired' }
const unlisted = { status: 503, code: 'server_not_approved' }

/** The world has changed since the approval. */
export const MEANWHILE: readonly Attack[] = [
  { id: 'a replay', meanwhile: 'used', refused: answered },
  {
    id: 'a replay with the keys in another order',
    meanwhile: 'used',
    approved: '{"line":"one","copies":1}',
    sent: '{"copies":1,"line":"one"}',
    refused: answered,
  },
  {
    id: 'a replay with another signature over the same claims',
    meanwhile: 'used',
    signed: 'malleated',
    refused: answered,
  },
  {
    id: 'a replay under a new receipt with the old id',
    meanwhile: 'used',
    claims: { iat: { now: 1 }, exp: { now: 400 } },
    refused: answered,
  },
  {
    id: 'a replay with the id in capitals',
    meanwhile: 'used',
    claims: { jti: { of: 'id in capitals' } },
    refused: answered,
  },
  {
    id: 'a replay under the old id for other arguments',
    meanwhile: 'used',
    sent: '{"line":"two"}',
    claims: { args: { of: 'arguments as sent' } },
    refused: replayed,
  },
  { id: 'a replay with other arguments', meanwhile: 'used', sent: '{"line":"two"}', refused: mismatch },
  { id: 'a replay by another person', meanwhile: 'used', sender: 'finn', refused: invalid },
  {
    id: 'a replay by another person on the same device',
    meanwhile: 'used',
    sender: 'finn on the device of ada',
    refused: mismatch,
  },
  {
    id: 'a replay by another person with a receipt of their own and the old id',
    meanwhile: 'used',
    sender: 'finn on the device of ada',
    claims: { sub: 'finn' },
    refused: replayed,
  },
  {
    id: 'a replay by a client without a device key',
    meanwhile: 'used',
    sender: 'ada through a bearer client',
    refused: { code: 'approval_required' },
  },
  { id: 'a replay at the wrong tool', meanwhile: 'used', called: 'clear', sent: '{}', refused: mismatch },
  {
    id: 'a replay under the old id at another tool',
    meanwhile: 'used',
    called: 'clear',
    sent: '{}',
    claims: { tool: 'clear', args: { of: 'arguments as sent' }, tool_digest: { of: 'digest of clear' } },
    refused: replayed,
  },
  { id: 'a replay after a restart', meanwhile: 'used, and the server restarted', refused: answered },
  {
    id: 'a replay with another signature after a restart',
    meanwhile: 'used, and the server restarted',
    signed: 'malleated',
    refused: answered,
  },
  { id: 'a replay at another replica', meanwhile: 'used at another replica', refused: answered },
  {
    id: 'a replay of other arguments at another replica',
    meanwhile: 'used at another replica',
    sent: '{"line":"two"}',
    refused: mismatch,
  },
  {
    id: 'after the description of the tool changed',
    meanwhile: 'the description of the tool changed',
    refused: mismatch,
  },
  { id: 'after the server was suspended', meanwhile: 'the server was suspended', eras: ['modern'], refused: unlisted },
  { id: 'after the record ran out', meanwhile: 'the record ran out', eras: ['modern'], refused: unlisted },
  { id: 'after it expired', meanwhile: 'the receipt expired', refused: expired },
  {
    id: 'that expires while it waits for the ledger',
    meanwhile: 'the receipt expired while the ledger was locked',
    refused: expired,
  },
]
