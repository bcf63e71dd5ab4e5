import type { Attack } from '../attack.ts'

const invalid = { code: 'approval_invalid' }
const outside = { status: 403, code: 'denied' }
const unauthorized = (code: string) => ({ status: 401, code })

/** A good receipt in other hands. */
export const SENDERS: readonly Attack[] = [
  { id: 'by another device of the same person', sender: 'ada on another device', refused: invalid },
  { id: 'by another person', sender: 'finn', refused: invalid },
  {
    id: 'by another person on the same device',
    sender: 'finn on the device of ada',
    refused: { code: 'approval_mismatch' },
  },
  { id: 'by a person who lost the group', sender: 'ada without her group', refused: { code: 'denied' } },
  {
    id: 'by a client without a device key',
    sender: 'ada through a bearer client',
    refused: { code: 'approval_required' },
  },
  {
    id: 'by a client that is not registered',
    sender: 'ada through an unregistered client',
    refused: { status: 403, code: 'client_unknown' },
  },
  { id: 'from a surface that the record does not name', sender: 'ada on another surface', refused: outside },
  {
    id: 'with the bound token as a plain bearer',
    sender: 'ada with her bound token as bearer',
    refused: unauthorized('bearer_not_allowed'),
  },
  {
    id: 'with a proof by another key',
    sender: 'ada with a proof by another key',
    refused: unauthorized('dpop_invalid'),
  },
  { id: 'without a proof', sender: 'ada without a proof', refused: unauthorized('dpop_invalid') },
  {
    id: 'with a token that a certificate binds',
    sender: 'ada with a token bound by certificate',
    refused: unauthorized('dpop_invalid'),
  },
  { id: 'with an expired token', sender: 'ada with an expired token', refused: unauthorized('token_expired') },
  {
    id: 'with a token for another server',
    sender: 'ada with a token for another server',
    refused: unauthorized('token_invalid'),
  },
  { id: 'by a workload', sender: 'a workload', refused: outside },
  { id: 'without a token', sender: 'nobody', refused: unauthorized('token_missing') },
]
