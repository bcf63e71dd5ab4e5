import { digestOf } from '@gatehouse/contracts'
import type { Proposing } from '../../src/plans/types.ts'

/** A write of `value`, in one chat turn. */
export function write(
  value: string,
  origin: Proposing['origin'] = { door: 'chat', conversation: 'c1', request: 'r1' },
): Proposing {
  return {
    step: {
      server: 'presto',
      tool: 'execute_statement',
      arguments: { sql: value },
      toolDigest: digestOf('execute_statement'),
      effect: 'write',
      summary: `runs ${value}`,
    },
    touches: ['table ads.revenue'],
    origin,
    policyVersion: 'v1',
    subject: 'ada',
  }
}

export const live = new AbortController().signal

/** The key of one person's plans. */
export const SEAL_KEY = new Uint8Array(32).fill(7)
