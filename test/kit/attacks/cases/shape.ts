import type { Attack } from '../attack.ts'

const params = { status: 400, code: 'params_invalid' }
const message = { status: 400, code: 'message_invalid' }

/** Messages of another shape than a call has. */
export const SHAPE: readonly Attack[] = [
  { id: 'arguments that are a list', sent: '["one"]', refused: params },
  { id: 'arguments that are text', sent: String.raw`"{\"line\":\"one\"}"`, refused: params },
  { id: 'arguments that are null', sent: 'null', refused: params },
  { id: 'arguments that are a number', sent: '1', refused: params },
  { id: 'no arguments at all', params: '"name":"{called}","_meta":{meta}', refused: { code: 'invalid_arguments' } },
  {
    id: 'a name that is a list',
    params: '"name":["keep"],"arguments":{args},"_meta":{meta}',
    headers: { 'mcp-name': '' },
    eras: ['legacy'],
    refused: { status: 400, code: 'header_mismatch' },
  },
  {
    id: 'metadata that is a list',
    params: '"name":"{called}","arguments":{args},"_meta":[{"dev.gatehouse/approval":"{receipt}"}]',
    refused: params,
  },
  { id: 'metadata that is text', params: '"name":"{called}","arguments":{args},"_meta":"{receipt}"', refused: params },
  { id: 'a field of its own in the message', message: '"approved":true', refused: message },
  { id: 'a result beside the method', message: '"result":{"approved":true}', refused: message },
  { id: 'an error beside the method', message: '"error":{"code":0,"message":"approved"}', refused: message },
]
