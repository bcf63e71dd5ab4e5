import type { RecordedClient } from '@gatehouse/contracts'
import { createTokenVerifier, type TokenVerifier } from '@gatehouse/kit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verifies } from '../../requirements.ts'
import { Device } from '../../support/device.ts'
import { type Claims, startTestIssuer, type TestIssuer } from '../../support/issuer.ts'

const AUDIENCE = 'https://mcp.example.com/runbooks/mcp'
const CLIENTS: readonly RecordedClient[] = [
  { clientId: 'bot', surface: 'team-chat', bearer: false, approves: false, channel: 'proof' },
  { clientId: 'relay', surface: 'team-chat', bearer: true, channel: 'token' },
  { clientId: 'gatehouse-vscode', surface: 'ide', bearer: false },
]

let issuer: TestIssuer
let device: Device
let verifier: TokenVerifier
beforeAll(async () => {
  ;[issuer, device] = await Promise.all([startTestIssuer(), Device.create()])
  verifier = createTokenVerifier({ issuer: issuer.url, audience: AUDIENCE, clients: () => CLIENTS })
})
afterAll(() => issuer.stop())

const bound = (client: string, claims: Claims = {}) =>
  issuer.token(AUDIENCE, { client_id: client, cnf: { jkt: device.thumbprint }, ...claims })

async function proven(token: string, claims: Record<string, unknown> = {}) {
  const dpop = await device.proof('POST', AUDIENCE, token, claims)
  const { caller } = await verifier.verify({ method: 'POST', url: AUDIENCE, authorization: `DPoP ${token}`, dpop })
  return caller
}

async function plain(token: string) {
  const { caller } = await verifier.verify({ method: 'POST', url: AUDIENCE, authorization: `Bearer ${token}` })
  return caller
}

describe('a channel', () => {
  it('is the one that the client says under its own signature, one caller for each', async () => {
    verifies('AUTH-11.2')
    const token = await bound('bot')
    const ads = await proven(token, { channel: 'ads-help' })
    expect(ads).toMatchObject({ surface: 'team-chat', channel: 'ads-help' })
    const infra = await proven(token, { channel: 'infra' })
    expect(infra).toMatchObject({ channel: 'infra' })
    expect(await proven(token, { channel: 'ads-help' })).toBe(ads)
    expect(await proven(token)).not.toHaveProperty('channel')
  })

  it('in more numbers than are kept is another caller who is the same', async () => {
    const token = await bound('bot')
    const first = await proven(token, { channel: 'c0' })
    for (let count = 1; count <= 64; count++) await proven(token, { channel: `c${count}` })
    const again = await proven(token, { channel: 'c0' })
    expect(again).not.toBe(first)
    expect(again).toEqual(first)
  })

  it('is not taken from a place that the registration does not name', async () => {
    verifies('AUTH-11.2')
    expect(await proven(await bound('bot', { channel: 'ads-help' }))).not.toHaveProperty('channel')
    expect(await plain(await issuer.token(AUDIENCE, { client_id: 'relay', channel: 'ads-help' }))).toMatchObject({
      channel: 'ads-help',
    })
    expect(await proven(await bound('relay'), { channel: 'ads-help' })).not.toHaveProperty('channel')
    const ide = await bound('gatehouse-vscode', { channel: 'ads-help' })
    expect(await proven(ide, { channel: 'ads-help' })).not.toHaveProperty('channel')
    // What is not read need not be well formed.
    expect(await proven(ide, { channel: 7 })).toMatchObject({ surface: 'ide' })
  })

  it('that is no short text is refused', async () => {
    verifies('AUTH-11.2')
    const token = await bound('bot')
    for (const channel of ['', 'x'.repeat(129), 7, ['ads-help'], null, {}]) {
      await expect(proven(token, { channel })).rejects.toMatchObject({ code: 'dpop_invalid' })
      const relayed = await issuer.token(AUDIENCE, { client_id: 'relay', channel })
      await expect(plain(relayed)).rejects.toMatchObject({ code: 'token_invalid' })
    }
  })
})

describe('the key of a bot that speaks for many', () => {
  it('proves that the token is its own, and signs no approvals', async () => {
    verifies('AUTH-6.1')
    const token = await bound('bot')
    expect(await proven(token)).not.toHaveProperty('keyThumbprint')
    await expect(plain(token)).rejects.toMatchObject({ code: 'bearer_not_allowed' })
    const other = await Device.create()
    const dpop = await other.proof('POST', AUDIENCE, token)
    await expect(
      verifier.verify({ method: 'POST', url: AUDIENCE, authorization: `DPoP ${token}`, dpop }),
    ).rejects.toMatchObject({ code: 'dpop_invalid' })
    expect(await proven(await bound('gatehouse-vscode'))).toMatchObject({ keyThumbprint: device.thumbprint })
  })
})
