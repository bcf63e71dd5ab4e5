import { checkPolicies } from '@gatehouse/kit'
import { expect, it } from 'vitest'
import { runbooksServer } from '../../companion/servers/runbooks/src/definition.ts'
import { verifies } from '../requirements.ts'

it('the policies of the runbooks answer every case as it says, and each of their rules decides one', () => {
  verifies('AUTH-8.1', 'AUTH-11.3')
  const report = checkPolicies(runbooksServer())
  expect(report, JSON.stringify(report, null, 1)).toMatchObject({ kind: 'policies', failures: [], undecided: [] })
})
