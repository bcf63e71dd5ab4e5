import { describe, expect, it } from 'vitest'
import { chatResult } from '../../src/bridge/chat-result.ts'
import type { Content } from '../../src/connections/content.ts'
import { verifies } from '../requirements.ts'

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

describe('a result beyond text', () => {
  const image = { type: 'image', data: 'AAAA', mimeType: 'image/png' } as const
  const link = { type: 'resource_link', uri: 'a://x/1', name: 'One' } as const

  it('keeps its images, audio and resources beside its structured content, in order', () => {
    verifies('EDIT-2.3')
    const audio = { type: 'audio', data: 'AAAA', mimeType: 'audio/wav' } as const
    const file = { type: 'resource', resource: { uri: 'a://x/2', text: 'two' } } as const
    const content = [{ type: 'text', text: 'Look:' } as const, image, audio, file, link]
    const outcome = { isError: false, text: 'Look:', structured: { rows: 1 }, content }
    expect(chatResult(outcome, true)).toEqual({ content, structuredContent: { rows: 1 } })
  })

  it('tells a link in words where the definition has no resources to read', () => {
    const outcome = { isError: false, text: '', content: [link] }
    expect(chatResult(outcome).content).toEqual([{ type: 'text', text: '[One: a://x/1]' }])
  })

  it('says whom a block is for, so that the editor keeps from the model what is for the person', () => {
    const content: Content[] = [{ type: 'text', text: 'psst', annotations: { audience: ['user'] } }]
    expect(chatResult({ isError: false, text: '', content }).content).toEqual(content)
  })

  it('comes without its structured content where that repeats it and is too large', () => {
    const picture = { ...image, data: 'A'.repeat(100_000) }
    const result = chatResult({ isError: false, text: '', structured: { content: [picture] }, content: [picture] })
    expect(result.structuredContent).toBeUndefined()
    expect(result.content[0]).toMatchObject({
      text: expect.stringContaining('too large for the chat (101 kB)') as string,
    })
    expect(result.content[1]).toEqual(picture)
  })

  it('too large for the chat is cut, block by block', () => {
    const large = { ...image, data: 'A'.repeat(3_000_000) }
    const text = { type: 'resource', resource: { uri: 'a://x/2', text: 'ä'.repeat(40_000) } } as const
    const { content } = chatResult({ isError: false, text: '', content: [large, large, text, text] })
    expect(content[0]).toEqual(large)
    expect(content[1]).toEqual({ type: 'text', text: '[image left out: 3000 kB]' })
    expect(content[2]).toMatchObject({ type: 'text', text: expect.stringContaining('cut here') as string })
    expect(Buffer.byteLength(JSON.stringify(content.slice(2)))).toBeLessThan(60_000)
  })
})
