import type { ListedServer } from '@gatehouse/contracts'
import { sampleRecord } from '../support/sample-record.ts'
import { describe, expect, test } from 'vitest'
import type { CatalogState } from '../../src/catalog/types.ts'
import { serverNodes, serversView } from '../../src/editor/server-nodes.ts'
import { statusView } from '../../src/editor/status-view.ts'
import { verifies } from '../requirements.ts'

const digest = `sha256:${'0'.repeat(64)}`
const record = sampleRecord('presto', {
  title: 'Presto',
  support: { channel: '#presto-help' },
  reviews: [
    { gate: 'security', status: 'approved' },
    { gate: 'legal', status: 'pending' },
    { gate: 'genai', status: 'not-required' },
  ],
  clients: [],
  surfaceDigest: digest,
  tools: [
    { name: 'search_tables', digest, effect: 'read', groups: [], minutesSaved: 4 },
    { name: 'execute_statement', digest, effect: 'write', groups: [], minutesSaved: 0 },
  ],
})
const denied: ListedServer = {
  access: 'denied',
  id: 'airflow',
  title: 'Airflow',
  owner: { team: 'Pipelines', contact: 'pipelines@example.com' },
  support: { channel: '#airflow' },
  reason: 'Needs the group infra.',
}
const signedIn = {
  kind: 'signed-in',
  account: { subject: 'ada', name: 'Ada', groups: ['ads'], issuer: 'https://id.example.com' },
} as const
const ready = (servers: readonly ListedServer[], problem?: { code: string; message: string }): CatalogState => ({
  kind: 'ready',
  servers,
  fetchedAt: 0,
  expiresAt: Date.parse('2026-11-24T12:00:00Z'),
  version: 'v1',
  ...(problem ? { problem } : {}),
})
const idle = () => ({ kind: 'idle' }) as const

describe('the tree of servers', () => {
  test('shows owner, support channel, review state, health and tools of a server', () => {
    verifies('EDIT-1.3')
    const [node] = serverNodes(ready([{ access: 'allowed', record }]), idle)
    expect(node?.children.map((child) => [child.label, child.description])).toEqual([
      ['Owner', 'Data Platform, data-platform@example.com'],
      ['Support', '#presto-help'],
      ['Review', 'security approved, legal pending'],
      ['Health', 'not used yet'],
      ['search_tables', 'reads'],
      ['execute_statement', 'changes data, asks first'],
    ])
  })

  test('shows a denied server last, locked, with the reason and whom to ask', () => {
    verifies('AUTH-8.3')
    const nodes = serverNodes(ready([denied, { access: 'allowed', record }]), idle)
    expect(nodes.map((node) => node.label)).toEqual(['Presto', 'Airflow'])
    expect(nodes[1]).toMatchObject({ icon: 'lock', supportChannel: '#airflow', expanded: true })
    expect(nodes[1]?.tooltip).toBe('Needs the group infra.\nAsk Pipelines, pipelines@example.com in #airflow.')
  })

  test('says what is wrong with a server that fails', () => {
    const failed = () => ({ kind: 'failed', code: 'surface_mismatch', message: 'Its tools differ.' }) as const
    const [node] = serverNodes(ready([{ access: 'allowed', record }]), failed)
    expect(node).toMatchObject({ icon: 'error', description: 'Data Platform · not working' })
    expect(node?.tooltip).toContain('Its tools differ.')
  })

  test('says that the registry cannot be reached and until when the list holds', () => {
    verifies('EDIT-1.2')
    const [first] = serverNodes(ready([denied], { code: 'registry_unreachable', message: 'No answer.' }), idle)
    expect(first).toMatchObject({ kind: 'problem', label: 'The registry cannot be reached' })
    expect(first?.children[0]?.label).toMatch(/used until \d/)
  })

  test('is empty without a list that may be used', () => {
    verifies('EDIT-1.2')
    expect(serverNodes({ kind: 'unavailable', problem: { code: 'list_expired', message: 'x' } }, idle)).toEqual([])
  })

  test.each([
    [{ kind: 'restoring' } as const, { kind: 'loading' } as const, 'loading'],
    [{ kind: 'signed-out' } as const, { kind: 'signed-out' } as const, 'signed-out'],
    [{ kind: 'signing-in' } as const, { kind: 'signed-out' } as const, 'signing-in'],
    [signedIn, { kind: 'loading' } as const, 'loading'],
    [signedIn, { kind: 'unavailable', problem: { code: 'x', message: 'x' } } as const, 'unavailable'],
    [signedIn, ready([]), 'empty'],
    [signedIn, ready([denied]), 'list'],
  ])('says what stands in place of rows: %j, %j', (session, catalog, view) => {
    expect(serversView(session, catalog)).toBe(view)
  })
})

describe('the status bar', () => {
  test.each([
    [{ kind: 'signed-out' } as const, { kind: 'signed-out' } as const, 0, 'sign in', 'gatehouse.signIn'],
    [{ kind: 'signing-in' } as const, { kind: 'signed-out' } as const, 0, 'signing in', 'gatehouse.pasteCode'],
    [signedIn, ready([denied]), 2, '2 to approve', 'gatehouse.showPlans'],
    [
      signedIn,
      { kind: 'unavailable', problem: { code: 'x', message: 'x' } } as const,
      0,
      'unavailable',
      'gatehouse.refresh',
    ],
    [signedIn, ready([denied], { code: 'x', message: 'x' }), 0, 'offline', 'gatehouse.refresh'],
    [signedIn, ready([denied]), 0, 'Gatehouse', 'gatehouse.servers.focus'],
  ])('tells the most pressing fact: %j, %j, %i', (session, catalog, pending, words, command) => {
    verifies('EDIT-8.1')
    const view = statusView(session, catalog, pending)
    expect(view.text).toContain(words)
    expect(view.command).toBe(command)
  })

  test('says why a session ended', () => {
    expect(statusView({ kind: 'signed-out', reason: 'It was revoked.' }, { kind: 'signed-out' }, 0).tooltip).toContain(
      'It was revoked.',
    )
  })
})
