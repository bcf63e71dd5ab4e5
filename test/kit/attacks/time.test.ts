import { randomUUID } from 'node:crypto'
import { digestOf, RECEIPT_TYP } from '@gatehouse/contracts'
import { beforeAll, describe, expect, it } from 'vitest'
import { verifyReceipt } from '../../../companion/packages/kit/src/approvals/receipt.ts'
import { verifies } from '../../requirements.ts'
import { createForgingKey, forge, type ForgingKey } from './forge.ts'

/** Seconds since the epoch: the server's clock. */
const NOW = 1_800_000_000

let device: ForgingKey
beforeAll(async () => {
  device = await createForgingKey()
})

/** Beginning and end of a receipt, in seconds from the server's now, and what comes of it. */
const EDGES: readonly (readonly [what: string, iat: number, exp: number, code: string | undefined])[] = [
  ['made now, for ten minutes', 0, 600, undefined],
  ['made now, for a second', 0, 1, undefined],
  ['made now, for ten minutes and a second', 0, 601, 'approval_invalid'],
  ['in the last second of its life', -599, 1, undefined],
  ['at its end', -600, 0, 'approval_expired'],
  ['a second after its end', -601, -1, 'approval_expired'],
  ['half a minute after its end: no grace for a slow device', -630, -30, 'approval_expired'],
  ['by a device whose clock is 30 seconds fast', 30, 630, undefined],
  ['by a device whose clock is a minute fast', 60, 660, undefined],
  ['by a device whose clock is 61 seconds fast', 61, 661, 'approval_invalid'],
  ['by a device whose clock is five minutes fast', 300, 900, 'approval_invalid'],
  ['by a device whose clock is 30 seconds slow', -30, 570, undefined],
  ['by a device whose clock is five minutes slow', -300, 300, undefined],
  ['by a device whose clock is ten minutes slow', -600, 0, 'approval_expired'],
  ['that ends before it begins', 10, 5, 'approval_invalid'],
  ['that ends when it begins', 5, 5, 'approval_invalid'],
  ['that begins in the future and ends in the past', 30, -30, 'approval_invalid'],
  ['from the epoch', -NOW, -NOW + 600, 'approval_expired'],
  ['for ever', 0, Number.MAX_SAFE_INTEGER - NOW, 'approval_invalid'],
]

describe('the clock at the edges: a receipt', () => {
  it.each(EDGES)('%s', async (_what, iat, exp, code) => {
    verifies('SRV-KIT.4')
    const args = digestOf({ line: 'one' })
    const claims = {
      sub: 'ada',
      aud: 'https://target.example/mcp',
      iat: NOW + iat,
      exp: NOW + exp,
      jti: randomUUID(),
      tool: 'keep',
      args,
      tool_digest: digestOf('keep'),
      step: randomUUID(),
      plan: digestOf('plan'),
    }
    const header = JSON.stringify({ alg: 'ES256', typ: RECEIPT_TYP, jwk: device.jwk })
    const receipt = forge({ header, claims: JSON.stringify(claims), signed: 'device', device, other: device })
    const verified = verifyReceipt({
      receipt: receipt.join('.'),
      caller: {
        kind: 'user',
        subject: 'ada',
        groups: [],
        client: 'gatehouse-vscode',
        surface: 'ide',
        keyThumbprint: device.thumbprint,
      },
      audience: claims.aud,
      tool: 'keep',
      argsDigest: args,
      toolDigest: claims.tool_digest,
      now: NOW,
    })
    if (code === undefined) await expect(verified).resolves.toEqual(claims)
    else await expect(verified).rejects.toMatchObject({ code })
  })
})
