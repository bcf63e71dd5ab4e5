import type { Attack } from '../attack.ts'

const state = { code: 'request_state_invalid' }
const required = { code: 'approval_required' }
const ACCEPTED =
  '{"confirmed":{"action":"accept","content":{"sure":true}},"approval":{"action":"accept","content":{"approved":true}}}'
const modern = ['modern'] as const

/** A call of `keep` that has every word of a person that a client can make up, and no receipt. */
function without(more: string) {
  return { meta: '', params: `"name":"{called}","arguments":{args},${more},"_meta":{meta}`, eras: modern }
}
/** A call of `ask`, whose question was asked before, with a state that is not what it was. */
function asking(requestState: string, more: Partial<Attack> = {}) {
  const params = `"name":"{called}","arguments":{args},"inputResponses":${ACCEPTED},"requestState":${requestState},"_meta":{meta}`
  return { called: 'ask', sent: '{"line":"one"}', meta: '', params, eras: modern, refused: state, ...more }
}

/** What a client says that a person said: it answers questions, and never unlocks a write. */
export const ANSWERS: readonly Attack[] = [
  { id: 'an accepted form in place of a receipt', ...without(`"inputResponses":${ACCEPTED}`), refused: required },
  {
    id: 'an accepted form that was never asked for',
    ...without('"inputResponses":{"approval":{"action":"accept"}}'),
    refused: required,
  },
  {
    id: 'an accepted link',
    ...without('"inputResponses":{"url":{"action":"accept"}},"inputRequests":{}'),
    refused: required,
  },
  { id: 'an accepted form in the metadata', eras: modern, meta: `"inputResponses":${ACCEPTED}`, refused: required },
  {
    id: 'the receipt among the answers',
    ...without('"inputResponses":{"dev.gatehouse/approval":"{receipt}"}'),
    refused: required,
  },
  {
    id: 'the receipt as an answer',
    ...without('"inputResponses":{"approval":{"action":"accept","content":{"receipt":"{receipt}"}}}'),
    refused: required,
  },
  { id: 'the receipt as the state', ...without('"requestState":"{receipt}"'), refused: state },
  {
    id: 'a forged state, with an accepted form',
    ...without(`"inputResponses":${ACCEPTED},"requestState":"AAAA"`),
    refused: state,
  },
  {
    id: 'a state of another tool, with an accepted form',
    asked: {},
    ...without(`"inputResponses":${ACCEPTED},"requestState":"{state}"`),
    refused: state,
  },
  {
    id: 'a state of another tool, with a good receipt',
    asked: {},
    eras: modern,
    params: `"name":"{called}","arguments":{args},"inputResponses":${ACCEPTED},"requestState":"{state}","_meta":{meta}`,
    refused: state,
  },
  {
    id: 'a forged state, with a good receipt',
    eras: modern,
    params: '"name":"{called}","arguments":{args},"requestState":"e30","_meta":{meta}',
    refused: state,
  },
  { id: 'no state but nothing', ...asking('""') },
  { id: 'a state that is a number', ...asking('1'), refused: { code: 'params_invalid', status: 400 } },
  {
    id: 'a state that is an object',
    ...asking('{"round":1,"open":{},"answered":{}}'),
    refused: { code: 'params_invalid', status: 400 },
  },
  { id: 'a state that is JSON', ...asking(String.raw`"{\"round\":1,\"open\":{},\"answered\":{}}"`) },
  {
    id: 'a state that is JSON in base64url',
    ...asking(`"${Buffer.from('{"round":1,"open":{},"answered":{}}').toString('base64url')}"`),
  },
  { id: 'a state of zeros', ...asking(`"${'A'.repeat(400)}"`) },
  { id: 'a state of a hundred thousand characters', ...asking('"{long}"') },
  { id: 'a state that is cut short', ...asking('"{stateCut}"', { asked: {} }) },
  { id: 'a state with a character more', ...asking('"{state}A"', { asked: {} }) },
  { id: 'a state with padding', ...asking('"{state}="', { asked: {} }) },
  { id: 'a state with a space', ...asking('" {state}"', { asked: {} }) },
  { id: 'a state with another first byte', ...asking('"{stateFirst}"', { asked: {} }) },
  { id: 'a state with another last byte', ...asking('"{stateLast}"', { asked: {} }) },
  { id: 'a state with its halves exchanged', ...asking('"{stateTurned}"', { asked: {} }) },
  { id: 'a state twice in one', ...asking('"{state}{state}"', { asked: {} }) },
  { id: 'a state for other arguments', ...asking('"{state}"', { asked: { arguments: '{"line":"two"}' } }) },
  {
    id: 'a state for the arguments with their default',
    ...asking('"{state}"', { asked: { arguments: '{"line":"one","loud":false}' } }),
  },
  { id: 'a state of another person', ...asking('"{state}"', { asked: { by: 'finn' } }) },
  {
    id: 'a state of another person on the same device',
    ...asking('"{state}"', { asked: { by: 'finn on the device of ada' } }),
  },
  {
    id: 'a state of the same person on another device',
    ...asking('"{state}"', { asked: { by: 'ada on another device' } }),
  },
  {
    id: 'a state of the same person with another client',
    ...asking('"{state}"', { asked: { by: 'ada through a bearer client' } }),
  },
  { id: 'a state handed to another person', ...asking('"{state}"', { asked: {}, sender: 'finn' }) },
  { id: 'a state for another tool that asks', ...asking('"{state}"', { asked: {}, called: 'ask_twice' }) },
  { id: 'a state of a server with another key', ...asking('"{state}"', { asked: { at: 'replica' } }) },
  { id: 'a state from before a restart', ...asking('"{state}"', { asked: {}, meanwhile: 'the server restarted' }) },
  {
    id: 'an answer of another shape',
    ...asking('"{state}"', { asked: {} }),
    params: answered('{"action":"accept","content":{"sure":"yes"}}'),
    refused: { code: 'input_invalid' },
  },
  {
    id: 'an answer with a field too many',
    ...asking('"{state}"', { asked: {} }),
    params: answered('{"action":"accept","content":{"sure":true,"admin":true}}'),
    refused: { code: 'input_invalid' },
  },
  {
    id: 'an answer without content',
    ...asking('"{state}"', { asked: {} }),
    params: answered('{"action":"accept"}'),
    refused: { code: 'input_invalid' },
  },
  {
    id: 'an answer that is no action',
    ...asking('"{state}"', { asked: {} }),
    params: answered('{"action":"approve","content":{"sure":true}}'),
    refused: { code: 'input_invalid' },
  },
]

function answered(answer: string): string {
  return `"name":"{called}","arguments":{args},"inputResponses":{"confirmed":${answer}},"requestState":"{state}","_meta":{meta}`
}
