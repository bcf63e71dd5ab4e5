import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServerRecord } from '@gatehouse/contracts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { refusedLine } from '../../../companion/packages/cli/src/edge/access-line.ts'
import { writeConfig } from '../../../companion/packages/cli/src/edge/config-files.ts'
import type { EdgeOptions } from '../../../companion/packages/cli/src/edge/edge-options.ts'
import { parseIdentity, parseServer } from '../../../companion/packages/cli/src/edge/render-options.ts'
import { inOneFile, renderEnvoy } from '../../../companion/packages/cli/src/edge/render-envoy.ts'
import { verifies } from '../../requirements.ts'
import { sampleRecord } from '../../support/sample-record.ts'

const ORIGIN = 'https://mcp.example.com'

function recordOf(id: string, change: Partial<ServerRecord> = {}): ServerRecord {
  return sampleRecord(id, { url: `${ORIGIN}/${id}/mcp`, ...change })
}

function optionsOf(change: Partial<ServerRecord> = {}, options: Partial<EdgeOptions> = {}): EdgeOptions {
  return {
    folder: '/etc/gatehouse/envoy',
    environment: 'production',
    publicUrl: ORIGIN,
    listen: { host: '0.0.0.0', port: 8443 },
    tls: { certificate: '/etc/gatehouse/tls/tls.crt', key: '/etc/gatehouse/tls/tls.key' },
    issuer: { issuer: 'https://login.example.com', jwksUri: 'https://login.example.com/keys' },
    identity: { kind: 'spire', agentSocket: '/run/spire/agent.sock', spiffeId: 'spiffe://company.example/edge' },
    servers: [
      { record: recordOf('presto', change), upstream: mesh('presto') },
      {
        record: recordOf('runbooks', {
          surfaces: ['ide', 'team-chat'],
          channels: ['#data-help'],
          clients: [
            { clientId: 'gatehouse-vscode', surface: 'ide', bearer: false },
            { clientId: 'gatehouse-team-chat', surface: 'team-chat', bearer: false, approves: false, channel: 'proof' },
          ],
        }),
        upstream: mesh('runbooks'),
      },
    ],
    ...options,
  }
}

function mesh(id: string) {
  return { kind: 'mutual-tls', host: `${id}.internal`, port: 8444, spiffeId: `spiffe://company.example/${id}` } as const
}

/** All values under this key, wherever they stand. */
function allOf(value: unknown, key: string): unknown[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value as Readonly<Record<string, unknown>>).flatMap(([name, item]) => [
    ...(name === key ? [item] : []),
    ...allOf(item, key),
  ])
}

function routesIn(options: EdgeOptions): Record<string, unknown>[] {
  return allOf(renderEnvoy(options)['routes.json'], 'routes').flat() as Record<string, unknown>[]
}

describe('what is not rendered', () => {
  test.each<[string, EdgeOptions, string]>([
    ['a suspended server', optionsOf({ status: 'suspended' }), 'record_not_listed'],
    ['a retired server', optionsOf({ status: 'retired' }), 'record_not_listed'],
    ['a server of another environment', optionsOf({ environment: 'dev' }), 'record_environment'],
    ['a server elsewhere', optionsOf({ url: 'https://other.example.com/presto/mcp' }), 'record_address'],
    ['a server whose URL is no endpoint', optionsOf({ url: `${ORIGIN}/presto` }), 'record_address'],
    ['two servers at one URL', optionsOf({ url: `${ORIGIN}/runbooks/mcp` }), 'record_address'],
    ['mutual TLS without an identity', optionsOf({}, { identity: undefined }), 'edge_identity_missing'],
  ])('%s', (_name, options, code) => {
    verifies('AUTH-7.6')
    expect(() => renderEnvoy(options)).toThrow(expect.objectContaining({ code }) as Error)
  })
})

describe('what is rendered', () => {
  test('every route says itself who may pass, and what says nothing is closed', () => {
    verifies('AUTH-7.4')
    const guards = ['envoy.filters.http.jwt_authn', 'gatehouse.access']
    for (const route of routesIn(optionsOf()))
      expect(Object.keys(route['typed_per_filter_config'] ?? {})).toEqual(expect.arrayContaining(guards))
    const filters = allOf(renderEnvoy(optionsOf())['listeners.json'], 'http_filters').flat() as Record<
      string,
      unknown
    >[]
    expect(filters.map(({ name }) => name)).toEqual([
      'gatehouse.shape',
      'gatehouse.identity_headers',
      'envoy.filters.http.local_ratelimit',
      'envoy.filters.http.jwt_authn',
      'gatehouse.access',
      'envoy.filters.http.router',
    ])
    expect(filters[4]).toMatchObject({ typed_config: { rules: { action: 'ALLOW', policies: {} } } })
  })

  test('a token is for one server alone', () => {
    verifies('AUTH-7.4')
    const config = renderEnvoy(optionsOf())
    expect(allOf(config, 'audiences')).toEqual([[`${ORIGIN}/presto/mcp`], [`${ORIGIN}/runbooks/mcp`]])
    expect(allOf(config, 'require_expiration')).toEqual([true, true])
  })

  test('each server is known by its own SPIFFE id, exactly, with secrets from the agent', () => {
    verifies('AUTH-7.7')
    const clusters = renderEnvoy(optionsOf())['clusters.json']
    expect(allOf(clusters, 'match_typed_subject_alt_names').slice(0, 2)).toEqual([
      [{ san_type: 'URI', matcher: { exact: 'spiffe://company.example/presto' } }],
      [{ san_type: 'URI', matcher: { exact: 'spiffe://company.example/runbooks' } }],
    ])
    expect(allOf(clusters, 'tls_certificate_sds_secret_configs').flat()).toMatchObject([
      { name: 'spiffe://company.example/edge' },
      { name: 'spiffe://company.example/edge' },
    ])
    expect(allOf(clusters, 'validation_context_sds_secret_config')).toMatchObject([
      { name: 'spiffe://company.example' },
      { name: 'spiffe://company.example' },
    ])
  })

  test('a server that tells nothing of itself to strangers gives no reason here either', () => {
    verifies('AUTH-7.5')
    const text = JSON.stringify(
      renderEnvoy(optionsOf({ discoverable: false, groups: ['secret-project'] }))['listeners.json'],
    )
    expect(text).toContain('"message":"not available"')
    expect(text).not.toContain('secret-project')
  })

  test("names that hold Envoy's own marks are text to it", () => {
    const text = JSON.stringify(renderEnvoy(optionsOf({ groups: ['%REQ(authorization)%'] }))['listeners.json'])
    expect(text).toContain('needs the group %%REQ(authorization)%%')
  })

  test('is the example in companion/deploy/envoy', async () => {
    const example = stringify(inOneFile(renderEnvoy(optionsOf())), { aliasDuplicateObjects: false, lineWidth: 0 })
    await expect(
      `# Rendered by test/cli/edge/render-envoy.test.ts; "vitest run test/cli/edge -u" writes it anew.\n${example}`,
    ).toMatchFileSnapshot('../../../companion/deploy/envoy/example.yaml')
  })
})

test('files are written once, for their user alone, and only where something is different', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-render-'))
  const names = ['clusters.json', 'routes.json', 'listeners.json', 'envoy.json']
  expect(await writeConfig(folder, renderEnvoy(optionsOf()))).toEqual(names)
  expect((await stat(join(folder, 'routes.json'))).mode & 0o777).toBe(0o600)
  expect(await writeConfig(folder, renderEnvoy(optionsOf()))).toEqual([])
  expect(await writeConfig(folder, renderEnvoy(optionsOf({ groups: ['infra'] })))).toEqual([
    'routes.json',
    'listeners.json',
  ])
  expect(await readFile(join(folder, 'routes.json'), 'utf8')).toContain('"infra"')
  await rm(folder, { recursive: true, force: true })
})

describe('servers and identity on the command line', () => {
  test('are a socket, or a host with the SPIFFE id of the server', () => {
    expect(parseServer('presto=unix:/run/presto.sock')).toEqual({
      id: 'presto',
      upstream: { kind: 'unix', path: '/run/presto.sock' },
    })
    expect(parseServer('presto=presto.internal:8444,spiffe://company.example/presto')).toEqual({
      id: 'presto',
      upstream: { ...mesh('presto') },
    })
  })

  test.each([
    'presto',
    'Presto=unix:/x',
    'presto=unix:x',
    'presto=host:1',
    'presto=host:0,spiffe://a/b',
    'presto=host:99999,spiffe://a/b',
  ])('%s is refused', (text) =>
    expect(() => parseServer(text)).toThrow(expect.objectContaining({ code: 'usage' }) as Error),
  )

  test('half an identity is none', () => {
    expect(parseIdentity({})).toBeUndefined()
    for (const half of [{ certificate: 'a' }, { certificate: 'a', key: 'b' }, { 'spire-socket': '/a' }])
      expect(() => parseIdentity(half)).toThrow(expect.objectContaining({ code: 'usage' }) as Error)
  })
})

test('a line that is none of a refusal is left alone, whatever it holds', () => {
  verifies('AUTH-7.5')
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => refusedLine(text) === undefined))
  expect(refusedLine('{"kind":"access","code":null}')).toBeUndefined()
  expect(refusedLine('{"kind":"access","code":"<script>"}')).toBeUndefined()
})
