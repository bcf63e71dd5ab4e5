import { clientTerms, RecordedClient, SELF_REGISTERED, ServerRecord } from '@gatehouse/contracts'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { verifies } from '../requirements.ts'
import { sampleRecord } from '../support/sample-record.ts'

const EDITOR: RecordedClient = { clientId: 'gatehouse-vscode', surface: 'ide', bearer: false }
const SELF: RecordedClient = { selfRegistered: true, surface: 'cli' }
const stranger = `${SELF_REGISTERED}abc`

describe('the terms of a client', () => {
  it('are those of its exact id', () => {
    verifies('AUTH-11.1')
    expect(clientTerms([SELF, EDITOR], 'gatehouse-vscode')).toEqual({
      clientId: 'gatehouse-vscode',
      surface: 'ide',
      bearer: false,
      deviceKey: true,
    })
    for (const id of ['gatehouse-vscod', 'gatehouse-vscode ', 'GATEHOUSE-VSCODE', '', 'self-registere']) {
      expect(clientTerms([SELF, EDITOR], id), id).toBeUndefined()
    }
  })

  it('are for one that registered itself those that the record has for all such: bearer tokens, and no device key', () => {
    expect(clientTerms([EDITOR, SELF], stranger)).toEqual({
      clientId: stranger,
      surface: 'cli',
      bearer: true,
      deviceKey: false,
    })
  })

  it('are none for one that registered itself where the record does not say that it serves such', () => {
    verifies('AUTH-8.2')
    expect(clientTerms([EDITOR], stranger)).toBeUndefined()
    // Not even if a record that no schema has read names it.
    expect(clientTerms([{ clientId: stranger, surface: 'ide', bearer: true }], stranger)).toBeUndefined()
  })

  it('never make a configured client of one that registered itself, whatever its id', () => {
    fc.assert(
      fc.property(fc.string(), (rest) => {
        expect(clientTerms([EDITOR, SELF], SELF_REGISTERED + rest)?.deviceKey).toBe(false)
        expect(clientTerms([EDITOR], SELF_REGISTERED + rest)).toBeUndefined()
      }),
    )
  })
})

describe('a record', () => {
  it('cannot give a configured client the id of one that registered itself', () => {
    expect(RecordedClient.safeParse({ clientId: stranger, surface: 'cli', bearer: true }).success).toBe(false)
    expect(RecordedClient.safeParse({ selfRegistered: false, surface: 'cli' }).success).toBe(false)
  })

  it('of development may serve clients that registered themselves, and one of production may not', () => {
    verifies('AUTH-8.2')
    const record = { ...sampleRecord('presto'), clients: [EDITOR, SELF] }
    expect(ServerRecord.safeParse({ ...record, environment: 'dev' }).success).toBe(true)
    const refused = ServerRecord.safeParse({ ...record, environment: 'production' })
    expect(refused.error?.issues.map(({ path }) => path)).toEqual([['clients']])
    expect(ServerRecord.safeParse({ ...record, environment: 'production', clients: [EDITOR] }).success).toBe(true)
  })
})
