import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createIntake, type Intake } from '../../../companion/packages/kit/src/http/intake.ts'
import { listenMutualTls } from '../../../companion/packages/kit/src/http/listen-mutual-tls.ts'
import { createLogger } from '../../../companion/packages/kit/src/http/log.ts'
import type { PeerHandler } from '../../../companion/packages/kit/src/identity/peer.ts'
import { verifies } from '../../requirements.ts'
import { TrustDomain } from '../../support/svid.ts'
import { TestIdentity } from '../../support/test-identity.ts'

const REQUESTS = 5_000

let intake: Intake
let options: object
beforeAll(async () => {
  const domain = await TrustDomain.create()
  const { certificates: cert, key } = await domain.svid('edge')
  intake = createIntake()
  // As a call does whose audit is written once in a turn of the loop: Node then hears of the end of its own answer after the next request.
  const answer: PeerHandler = (_request, response) => void setImmediate(() => response.end('done'))
  const { url } = await listenMutualTls(intake, answer, {
    host: '127.0.0.1',
    port: 0,
    identity: await TestIdentity.of(domain, 'server/fixture'),
    log: createLogger('fixture', () => undefined),
  })
  options = { host: '127.0.0.1', port: Number(new URL(url).port), ca: domain.bundle, cert, key }
})
afterAll(() => intake.stop())

describe('a connection over mutual TLS', () => {
  it('is good for request after request, each sent the moment that the answer before it is whole', async () => {
    verifies('AUTH-7.7')
    const client = new Worker(new URL('steady-client.mjs', import.meta.url), {
      workerData: { options, requests: REQUESTS },
    })
    const [answers] = (await once(client, 'message')) as [number]
    expect(answers).toBe(REQUESTS)
  })
})
