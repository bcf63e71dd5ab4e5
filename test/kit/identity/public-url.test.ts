import { resourceMetadataUrl } from '@gatehouse/kit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verifies } from '../../requirements.ts'
import { startWorld, type World } from '../../support/fixture-world.ts'
import { ask, type Header, type Way } from './wire.ts'
import { freePort } from '../../../scripts/free-port.ts'

let world: World
let origin: string
let way: Way
beforeAll(async () => {
  const port = await freePort()
  origin = `http://127.0.0.1:${port}`
  world = await startWorld({ port, publicUrl: `${origin}/fixture` })
  way = { kind: 'plain', url: origin }
})
afterAll(() => world.stop())

describe('a public address with a path', () => {
  it('is where the server says that it is, at the place that follows from the address', async () => {
    verifies('AUTH-1.1')
    expect(world.url).toBe(`${origin}/fixture/mcp`)
    const { status, headers } = await ask(way, { path: '/fixture/mcp' })
    expect(status).toBe(401)
    const metadata = `${origin}/.well-known/oauth-protected-resource/fixture/mcp`
    expect(resourceMetadataUrl(world.url)).toBe(metadata)
    expect(headers['www-authenticate']).toContain(`resource_metadata="${metadata}"`)
    for (const path of ['/fixture/mcp', '/mcp', '']) {
      const response = await fetch(`${origin}/.well-known/oauth-protected-resource${path}`)
      expect(await response.json(), path).toMatchObject({ resource: world.url })
    }
  })

  it('is served whole, and as an edge passes it on', async () => {
    const token = await world.issuer.token(world.url)
    const headers: readonly Header[] = [['Authorization', `Bearer ${token}`]]
    for (const path of ['/fixture/mcp', '/fixture/mcp?x=1', '/mcp'])
      expect((await ask(way, { path, headers })).status, path).toBe(200)
    for (const path of ['/fixture', '/fixture/fixture/mcp', '/fixturemcp', '/other/mcp', '//mcp'])
      expect((await ask(way, { path, headers })).status, path).toBe(404)
    for (const path of [
      '/healthz',
      '/fixture/healthz',
      '/.well-known/gatehouse-server',
      '/fixture/.well-known/gatehouse-server',
    ])
      expect((await fetch(`${origin}${path}`)).status, path).toBe(200)
  })

  it('is the one that tokens and proofs are for', async () => {
    verifies('AUTH-2.3', 'AUTH-6.1')
    const other = await world.issuer.token(`${origin}/mcp`)
    expect((await ask(way, { headers: [['Authorization', `Bearer ${other}`]] })).code).toBe('token_invalid')
    const token = await world.boundToken()
    const proven = async (htu: string): Promise<readonly Header[]> => [
      ['Authorization', `DPoP ${token}`],
      ['DPoP', await world.device.proof('POST', htu, token)],
    ]
    expect((await ask(way, { headers: await proven(world.url) })).status).toBe(200)
    expect((await ask(way, { headers: await proven(`${origin}/mcp`) })).code).toBe('dpop_invalid')
  })

  it('takes one DPoP header and no more', async () => {
    verifies('AUTH-6.1')
    const token = await world.boundToken()
    const proof = (): Promise<string> => world.device.proof('POST', world.url, token)
    const headers: readonly Header[] = [
      ['Authorization', `DPoP ${token}`],
      ['DPoP', await proof()],
      ['dpop', await proof()],
    ]
    const answer = await ask(way, { headers })
    expect([answer.status, answer.code, answer.message]).toEqual([
      401,
      'dpop_invalid',
      'there is more than one DPoP header',
    ])
  })
})
