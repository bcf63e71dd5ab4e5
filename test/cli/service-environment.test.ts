import { afterEach, expect, test, vi } from 'vitest'
import { addressesOf } from '../../companion/packages/cli/src/addresses.ts'
import { choosePorts, offsetOf, type PortName } from '../../companion/packages/cli/src/ports.ts'
import { selectServices } from '../../companion/packages/cli/src/selection.ts'
import { serviceEnvironment } from '../../companion/packages/cli/src/service-environment.ts'
import { SERVICE_NAMES, SERVICES } from '../../companion/packages/cli/src/services.ts'
import { verifies } from '../requirements.ts'

afterEach(() => vi.unstubAllEnvs())

async function environments(
  names: readonly PortName[] = SERVICE_NAMES,
): Promise<Record<string, Readonly<Record<string, string>>>> {
  const settings = {
    data: '/data',
    addresses: addressesOf(SERVICE_NAMES, await choosePorts(0, names)),
    secrets: { dev: 'dev-secret', intake: 'intake-token' },
    databaseUrl: 'postgresql://127.0.0.1/gatehouse',
    sockets: undefined,
  }
  return Object.fromEntries(SERVICE_NAMES.map((name) => [name, serviceEnvironment(name, settings)]))
}

test('each service gets the secrets that it needs, and no other', async () => {
  verifies('OPS-1.1')
  const all = await environments()
  const having = (secret: string) => Object.keys(all).filter((name) => Object.values(all[name] ?? {}).includes(secret))
  expect(having('dev-secret')).toEqual(['identity', 'registry'])
  expect(having('intake-token')).toEqual(['registry', 'presto', 'runbooks'])
  expect(having('postgresql://127.0.0.1/gatehouse')).toEqual(['registry', 'presto'])
})

test('a server gets the settings of its own that a person gave, and no other service does', async () => {
  vi.stubEnv('GATEHOUSE_RUNBOOKS', '/srv/runbooks')
  vi.stubEnv('GATEHOUSE_ALLOWED_ORIGINS', 'https://evil.example')
  const all = await environments()
  expect(Object.keys(all).filter((name) => 'GATEHOUSE_RUNBOOKS' in (all[name] ?? {}))).toEqual(['runbooks'])
  expect(JSON.stringify(all)).not.toContain('evil.example')
})

test('with a Workload API a server whose record names services has a port for them, and no other', async () => {
  verifies('OPS-1.1')
  vi.stubEnv('SPIFFE_ENDPOINT_SOCKET', 'unix:///run/agent.sock')
  const all = await environments([...SERVICE_NAMES, 'workloads'])
  const open = Object.keys(all).filter((name) => 'GATEHOUSE_MTLS_PORT' in (all[name] ?? {}))
  expect(open).toEqual(['presto'])
  expect(all['presto']).toMatchObject({ SPIFFE_ENDPOINT_SOCKET: 'unix:///run/agent.sock' })
  expect(Object.values(await environments()).some((one) => 'SPIFFE_ENDPOINT_SOCKET' in one)).toBe(false)
})

test('no two parts of the stack have the same port, nor the same folder', () => {
  const names = [...SERVICE_NAMES, 'workloads', 'edge', 'database'] as const
  expect(new Set(names.map(offsetOf)).size).toBe(names.length)
  expect(new Set(SERVICE_NAMES.map((name) => SERVICES[name].folder)).size).toBe(SERVICE_NAMES.length)
})

test.each([
  [undefined, ['identity', 'registry', 'presto', 'runbooks']],
  ['identity', ['identity']],
  ['registry', ['identity', 'registry']],
  ['runbooks', ['identity', 'registry', 'runbooks']],
  ['runbooks, presto', ['identity', 'registry', 'presto', 'runbooks']],
])('--only %s starts %j', (list, services) => {
  expect(selectServices(list)).toEqual(services)
})
