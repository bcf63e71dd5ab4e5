import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ConnectionError } from '../../src/connections/errors.ts'
import { outcomeOf, proposalOf } from '../../src/connections/tool-result.ts'

describe('a tool result', () => {
  it('of any shape at all is an outcome or a ConnectionError, never another failure', () => {
    fc.assert(
      fc.property(fc.anything(), fc.anything(), fc.anything(), (content, structuredContent, isError) => {
        try {
          const outcome = outcomeOf({ content, structuredContent, isError })
          proposalOf(outcome)
          expect(typeof outcome.text).toBe('string')
        } catch (error) {
          expect(error).toBeInstanceOf(ConnectionError)
        }
      }),
    )
  })

  it('keeps from the model what is meant for the person alone, and says what it left out', () => {
    const content = [
      { type: 'text', text: 'for both' },
      { type: 'text', text: 'for the person', annotations: { audience: ['user'] } },
      { type: 'image', data: 'AAAA', mimeType: 'image/png' },
    ]
    expect(outcomeOf({ content }).text).toBe('for both\n[image left out]')
  })

  it('that failed carries the code of its data, in either era', () => {
    const data = { code: 'denied', message: 'no' }
    const content = [{ type: 'text', text: 'no' }]
    expect(outcomeOf({ content, isError: true, structuredContent: data }).code).toBe('denied')
    expect(outcomeOf({ content, isError: true, _meta: { 'dev.gatehouse/failure': data } })).toMatchObject({
      code: 'denied',
      structured: data,
    })
  })

  it('that asks for an approval without saying of what is refused', () => {
    const outcome = outcomeOf({
      content: [],
      isError: true,
      structuredContent: { code: 'approval_required', proposal: {} },
    })
    expect(() => proposalOf(outcome)).toThrow(expect.objectContaining({ code: 'proposal_invalid' }))
  })
})
