import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { verifies } from '../../requirements.ts'
import { until } from '../../support/fixture-world.ts'
import { sendJson, serve } from '../../support/http-server.ts'
import { outcomeOf } from '../outcome.ts'
import type { Shape } from '../shape.ts'
import { send, type WireAnswer } from '../wire.ts'
import type { Witness } from '../witness.ts'
import type { Gun } from './shot.ts'
import { codeOf } from './suite.ts'
import { type Visitor, WORKLOAD_ATTACKS, WORKLOAD_CONTROLS } from './workloads.ts'

interface Stage {
  readonly shape: Shape
  readonly gun: Gun
  readonly witness: Witness
}

/** Attacks that take more than one request. */
export function sceneSuite(stage: () => Stage): void {
  describe('a service', () => {
    it.each(WORKLOAD_CONTROLS)('%s: is served', { timeout: 60_000 }, async (_id, visitor) => {
      const { shape, witness } = stage()
      const answer = await visit(shape, visitor)
      expect(outcomeOf(answer)).toMatchObject({ kind: 'allowed' })
      await witness.outcomes(['ok'])
    })

    it.each(WORKLOAD_ATTACKS)('%s: %s', { timeout: 60_000 }, async (_id, code, visitor) => {
      verifies('AUTH-10.1', 'AUTH-10.2', 'AUTH-10.3', 'OBS-2.1')
      const { shape, witness } = stage()
      const before = shape.runs.total()
      const answer = await visit(shape, visitor)
      expect(outcomeOf(answer)).toMatchObject({ kind: 'refused', code })
      expect(shape.runs.total()).toBe(before)
      await witness.outcomes([code])
    })
  })

  describe('a token that says where its keys are', () => {
    it.each(['jku', 'x5u'])('%s: nobody is asked there', { timeout: 60_000 }, async (header) => {
      const { gun, witness } = stage()
      const theirs = await serve((_request, response) => sendJson(response, { keys: [] }))
      try {
        const answer = await gun.fire({ tokenHeader: () => ({ [header]: theirs.url }), signing: 'stranger' })
        expect(codeOf(answer)).toBe('token_invalid')
        expect(theirs.requests).toEqual([])
        await witness.outcomes(['token_invalid'])
      } finally {
        await theirs.close()
      }
    })
  })

  describe('a key that the issuer changes', () => {
    it('a token by the new one is taken, and by the old one while it is published', { timeout: 60_000 }, async () => {
      verifies('AUTH-7.1')
      const { shape, gun, witness } = stage()
      const old = await gun.token({})
      shape.issuer.rotate('kept')
      // The edge fetches keys at times of its own, and a server when it meets a key that it does not know, but not twice within seconds.
      const refused = await untilTaken(gun)
      expect(refused.filter((code) => code !== 'token_invalid')).toEqual([])
      expect(codeOf(await gun.fire({ token: old })), 'by the old key, which is still published').toBeUndefined()
      await witness.outcomes([...refused, 'ok', 'ok'])
    })

    it('a token by a key that was withdrawn is refused once the keys were fetched', { timeout: 60_000 }, async () => {
      verifies('AUTH-7.1')
      const { shape, gun, witness } = stage()
      const unseen = await gun.token({})
      shape.issuer.rotate('withdrawn')
      const refused = await untilTaken(gun)
      const before = shape.runs.total()
      const answer = await gun.fire({ token: unseen })
      expect(codeOf(answer)).toBe('token_invalid')
      expect(shape.runs.total()).toBe(before)
      await witness.outcomes([...refused, 'ok', 'token_invalid'])
    })
  })
}

/** Sends genuine calls until one is taken. @returns the codes of those before; not so many that their audit would be sampled */
async function untilTaken(gun: Gun): Promise<string[]> {
  const refused: string[] = []
  await until(async () => {
    const code = codeOf(await gun.fire({}))
    if (code === undefined) return true
    refused.push(code)
    await sleep(250)
    return false
  })
  return refused
}

/** The call of `freshness` by somebody at the port for workloads. */
async function visit(shape: Shape, visitor: Visitor): Promise<WireAnswer> {
  const { certificate, token, tool = 'freshness' } = await visitor(shape)
  const url = shape.workloadEndpoint('presto')
  return send({
    url,
    tls: {
      ca: shape.domain.bundle,
      ...(certificate && { cert: certificate.certificates, key: certificate.key }),
    },
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': tool,
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: {
        name: tool,
        arguments: {},
        _meta: {
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientInfo': { name: 'nightly', version: '1' },
          'io.modelcontextprotocol/clientCapabilities': {},
        },
      },
    }),
  })
}
