import { createPolicy } from '@gatehouse/kit'
import { describe, expect, it } from 'vitest'
import { verifies } from '../../requirements.ts'
import { person, record } from './given.ts'

const SCHEMA =
  'type Label = String;\nentity Table { name: String, schema: Label };\nentity DagRun { name: String, owner: String };'
const CEDAR = `
  @id("ads-tables") permit (principal in Group::"ads", action == Action::"read", resource is Table) when { resource.schema == "ads" };
  @id("own-runs") permit (principal is User, action == Action::"read", resource is DagRun) when { resource.owner == "ada" };
  @id("documents") permit (principal is User, action == Action::"read", resource is Resource) when { resource.kind == "document" };`

describe("a server's own schema", () => {
  const policy = createPolicy({ cedar: CEDAR, cedarSchema: SCHEMA })
  const read = (kind: string, attributes?: Record<string, string>, groups = ['ads']) =>
    policy.decide({
      caller: person({ groups }),
      action: 'read',
      resource: { kind, name: 'x', ...(attributes && { attributes }) },
      record: record(),
    })

  it('gives its things types of their own, with attributes; what it does not name stays a Resource', () => {
    verifies('AUTH-8.4')
    expect(read('table', { schema: 'ads' })).toMatchObject({ allowed: true, rule: 'ads-tables' })
    expect(read('table', { schema: 'hr' })).toMatchObject({ allowed: false, rule: 'default' })
    expect(read('table', { schema: 'ads' }, ['finance'])).toMatchObject({ allowed: false, rule: 'default' })
    expect(read('dag-run', { owner: 'ada' })).toMatchObject({ allowed: true, rule: 'own-runs' })
    expect(read('document')).toMatchObject({ allowed: true, rule: 'documents' })
  })

  it('denies what lacks an attribute that a policy asks for, and what is outside of the record', () => {
    verifies('AUTH-8.2')
    expect(read('table')).toMatchObject({ allowed: false, rule: 'error' })
    expect(read('table', { schema: 'ads' }, [])).toMatchObject({ allowed: false, rule: 'server-groups' })
  })

  it('cannot make something of a name or a kind that it is not', () => {
    expect(read('document', { kind: 'table', name: 'ads' })).toMatchObject({ allowed: true, rule: 'documents' })
    expect(read('table', { kind: 'document', schema: 'hr' })).toMatchObject({ allowed: false, rule: 'default' })
  })

  it.each<[string, string]>([
    ['declares a type of the kit', 'entity User;'],
    ['gives a type of the kit another meaning', 'type Group = String;'],
    ['adds an action', 'action "drop" appliesTo { principal: [User], resource: [Tool] };'],
    ['widens an action', 'action "call" appliesTo { principal: [User], resource: [Server] };'],
    ['has a namespace', 'namespace Presto { entity Table; }'],
    ['does not parse', 'entity Table {'],
    ['names a type that is not there', 'entity Table { owner: Robot };'],
  ])('is refused when it %s', (_what, cedarSchema) => {
    verifies('AUTH-8.4')
    expect(() => createPolicy({ cedarSchema })).toThrow(expect.objectContaining({ code: 'policy_invalid' }))
  })

  it('is what the text is checked against', () => {
    expect(() => createPolicy({ cedar: CEDAR })).toThrow(expect.objectContaining({ code: 'policy_invalid' }))
    const wrong = CEDAR.replace('resource.schema', 'resource.colour')
    expect(() => createPolicy({ cedar: wrong, cedarSchema: SCHEMA })).toThrow(
      expect.objectContaining({ code: 'policy_invalid' }),
    )
  })
})
