import { configFromEnvironment, startServer } from '@gatehouse/kit'
import { describe, expect, it } from 'vitest'
import { fixtureServer } from '../../support/fixture-tools.ts'

const NEEDED = {
  GATEHOUSE_DATA: '/nowhere',
  GATEHOUSE_ISSUER: 'https://login.example.com',
  GATEHOUSE_REGISTRY: 'https://registry.example.com',
  GATEHOUSE_INTAKE_TOKEN: 'x',
}
const EDGE = 'spiffe://company.example/edge'
const SOCKET = 'unix:///run/spire/agent.sock'

describe('the environment of a server', () => {
  it('says where an edge and workloads reach it', () => {
    expect(
      configFromEnvironment({
        ...NEEDED,
        GATEHOUSE_PUBLIC_URL: 'https://mcp.example.com/presto',
        GATEHOUSE_EDGE_SOCKET: '/run/gatehouse/presto.sock',
        GATEHOUSE_EDGE_ID: EDGE,
        GATEHOUSE_MTLS_PORT: '8443',
        SPIFFE_ENDPOINT_SOCKET: SOCKET,
      }),
    ).toMatchObject({
      publicUrl: 'https://mcp.example.com/presto',
      edgeSocket: '/run/gatehouse/presto.sock',
      edgeId: EDGE,
      mtlsPort: 8443,
      workloadSocket: SOCKET,
    })
    expect(configFromEnvironment(NEEDED)).toMatchObject({ edgeSocket: undefined, mtlsPort: undefined })
    // JWT-SVIDs alone need no listener of their own.
    expect(configFromEnvironment({ ...NEEDED, SPIFFE_ENDPOINT_SOCKET: SOCKET }).workloadSocket).toBe(SOCKET)
  })

  const wrong: [string, Record<string, string>][] = [
    ['GATEHOUSE_EDGE_ID', { GATEHOUSE_EDGE_ID: EDGE }],
    ['GATEHOUSE_EDGE_ID', { GATEHOUSE_EDGE_ID: 'edge', GATEHOUSE_MTLS_PORT: '0', SPIFFE_ENDPOINT_SOCKET: SOCKET }],
    ['GATEHOUSE_MTLS_PORT', { GATEHOUSE_MTLS_PORT: '8443' }],
    ['GATEHOUSE_MTLS_PORT', { GATEHOUSE_MTLS_PORT: '65536', SPIFFE_ENDPOINT_SOCKET: SOCKET }],
    ['SPIFFE_ENDPOINT_SOCKET', { SPIFFE_ENDPOINT_SOCKET: '/run/spire/agent.sock' }],
    ['SPIFFE_ENDPOINT_SOCKET', { SPIFFE_ENDPOINT_SOCKET: 'tcp://127.0.0.1:8081' }],
    ['GATEHOUSE_EDGE_SOCKET', { GATEHOUSE_EDGE_SOCKET: '' }],
    ...[
      'https://mcp.example.com/',
      'https://mcp.example.com/presto/',
      'https://mcp.example.com//presto',
      'https://mcp.example.com/presto?x=1',
      'https://mcp.example.com/presto#x',
      'https://user@mcp.example.com/presto',
      'https://mcp.example.com/a/../presto',
      'https://mcp.example.com/%70resto',
      'ftp://mcp.example.com',
    ].map((url): [string, Record<string, string>] => ['GATEHOUSE_PUBLIC_URL', { GATEHOUSE_PUBLIC_URL: url }]),
  ]
  it.each(wrong)('with a wrong %s is none', (name, change) => {
    let error: unknown
    try {
      configFromEnvironment({ ...NEEDED, ...change })
    } catch (thrown) {
      error = thrown
    }
    expect(error, JSON.stringify(change)).toMatchObject({
      code: 'config_invalid',
      message: expect.stringContaining(name) as string,
    })
  })

  it('is checked again for whoever starts a server from a program', async () => {
    const { intakeToken, registry, issuer } = {
      intakeToken: 'x',
      registry: 'http://127.0.0.1:1',
      issuer: 'http://127.0.0.1:1',
    }
    const config = { host: '127.0.0.1', port: 0, data: '/nowhere', intakeToken, registry, issuer }
    await expect(startServer(fixtureServer(), { ...config, edgeId: EDGE })).rejects.toMatchObject({
      code: 'config_invalid',
    })
    await expect(startServer(fixtureServer(), { ...config, mtlsPort: 0 })).rejects.toMatchObject({
      code: 'config_invalid',
    })
  })
})
