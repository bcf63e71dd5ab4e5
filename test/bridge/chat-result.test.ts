import { describe, expect, it } from 'vitest'
import { chatResult } from '../../src/bridge/chat-result.ts'

describe('a failure as the chat shows it', () => {
  it('says its code', () => {
    const result = chatResult({ isError: true, code: 'not_listed', text: 'The server is not listed.' })
    expect(result).toEqual({
      isError: true,
      content: [{ type: 'text', text: 'Failed (not_listed): The server is not listed.' }],
    })
  })

  it('says its code once, where the words of the server say it already', () => {
    const { content } = chatResult({ isError: true, code: 'table_denied', text: 'You may not. (table_denied)' })
    expect(content).toEqual([{ type: 'text', text: 'Failed: You may not. (table_denied)' }])
  })

  it('has words without a code too', () => {
    expect(chatResult({ isError: true, text: 'No.' }).content).toEqual([{ type: 'text', text: 'Failed: No.' }])
  })
})
