import { describe, expect, test } from 'vitest'
import type { Discovery } from '../../src/session/discovery.ts'
import { COMPANY_POLICY, type SignInPolicy } from '../../src/session/policy.ts'
import { type ScopeSources, scopesToAsk } from '../../src/session/scopes.ts'
import { verifies } from '../requirements.ts'

const PLAIN: SignInPolicy = { ...COMPANY_POLICY, identity: 'unknown' }
const discovery = (scopes: readonly string[], listed?: readonly string[]): Discovery => ({
  issuer: 'https://idp.example',
  resource: 'https://registry.example',
  scopes,
  server: { issuer: 'https://idp.example', ...(listed ? { scopes_supported: [...listed] } : {}) },
})
const ask = (change: Partial<ScopeSources>): readonly string[] =>
  scopesToAsk({
    discovery: discovery([]),
    policy: COMPANY_POLICY,
    challenged: [],
    earlier: [],
    needed: [],
    ...change,
  })

describe('scopesToAsk', () => {
  test('of a registry: who it is, for how long, and what the registry publishes', () => {
    expect(ask({ discovery: discovery(['mcp'], ['openid', 'offline_access']) })).toEqual([
      'openid',
      'offline_access',
      'mcp',
    ])
    expect(ask({ discovery: discovery(['mcp']) })).toEqual(['openid', 'offline_access', 'mcp'])
  })

  test('offline_access is not asked of a provider that does not list it', () => {
    expect(ask({ discovery: discovery(['mcp'], ['openid']) })).toEqual(['openid', 'mcp'])
    expect(ask({ policy: PLAIN, discovery: discovery(['mcp'], ['mcp', 'offline_access']) })).toEqual([
      'offline_access',
      'mcp',
    ])
  })

  test('the challenge counts before what is published, and without either nothing is asked for', () => {
    expect(ask({ policy: PLAIN, discovery: discovery(['all']), challenged: ['basic'] })).toEqual(['basic'])
    expect(ask({ policy: PLAIN, discovery: discovery(['all']) })).toEqual(['all'])
    expect(ask({ policy: PLAIN })).toEqual([])
  })

  test('a step-up adds to what was asked for before, and each scope stands once', () => {
    verifies('AUTH-5.3')
    expect(
      ask({ policy: PLAIN, challenged: ['basic'], earlier: ['basic', 'read'], needed: ['write', 'read'] }),
    ).toEqual(['basic', 'read', 'write'])
  })
})
