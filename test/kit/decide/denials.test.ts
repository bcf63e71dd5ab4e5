import { createPolicy, serverDenials } from '@gatehouse/kit'
import { expect, it } from 'vitest'
import { person, record, service, STRANGER } from './given.ts'

const change = { channels: ['#ads'] }
const withGroups = (discoverable: boolean) => {
  const base = record({ ...change, discoverable })
  return { ...base, tools: base.tools.map((tool) => (tool.name === 'look' ? { ...tool, groups: ['lead'] } : tool)) }
}

it('what the record denies is told in the words in which the server denies it', () => {
  const of = withGroups(true)
  const policy = createPolicy()
  const denied = serverDenials(of)
  expect(denied.map(({ rule, tool }) => [rule, tool])).toEqual([
    ['server-groups', undefined],
    ['server-surface', undefined],
    ['server-channel', undefined],
    ['server-workload', undefined],
    ['tool-groups', 'look'],
  ])
  const callers = [
    person({ groups: [] }),
    person({ surface: 'web' }),
    person({ channel: '#x' }),
    service(STRANGER),
    person(),
  ]
  for (const [index, caller] of callers.entries()) {
    const { rule, reason, code } = denied[index] ?? {}
    const resource = { kind: 'tool', name: 'look' } as const
    expect(policy.decide({ caller, action: 'call', resource, record: of })).toEqual({ allowed: false, rule, reason })
    expect(code).toBe('denied')
  }
})

it('of a server that is not discoverable they tell nothing', () => {
  expect(serverDenials(withGroups(false)).map(({ code, reason }) => [code, reason])).toEqual([
    ...Array.from({ length: 4 }, () => ['denied', 'not available']),
    ['unknown_tool', 'unknown tool'],
  ])
})
