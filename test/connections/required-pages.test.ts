import { ProtocolError, UrlElicitationRequiredError } from '@modelcontextprotocol/client'
import { describe, expect, it } from 'vitest'
import { afterPages, type RequiredPage } from '../../src/connections/required-pages.ts'
import { verifies } from '../requirements.ts'

const page = (id: string) => ({
  mode: 'url' as const,
  url: `https://pages.example/${id}`,
  message: 'Go',
  elicitationId: id,
})
const refusal = (...ids: string[]) => new UrlElicitationRequiredError(ids.map(page))

/** Refuses `times` times, then answers. */
function server(error: Error, times: number) {
  const state = { asked: 0 }
  const ask = async () => {
    state.asked++
    if (state.asked <= times) throw error
    return 'done'
  }
  return { ask, state }
}

describe('a request that a server refuses until the person has been to a page', () => {
  it('is made once more when they have been to each of them, in order', async () => {
    verifies('EDIT-4.2')
    const { ask, state } = server(refusal('a', 'b'), 1)
    const shown: RequiredPage[] = []
    const outcome = await afterPages(ask, async (wanted) => {
      shown.push(wanted)
      return true
    })
    expect(outcome).toBe('done')
    expect(shown.map(({ elicitationId }) => elicitationId)).toEqual(['a', 'b'])
    expect(state.asked).toBe(2)
  })

  it('is not made again when they do not go, and no further page is shown', async () => {
    const { ask, state } = server(refusal('a', 'b'), 1)
    let shown = 0
    await expect(afterPages(ask, async () => ++shown > 1)).rejects.toMatchObject({ code: 'page_required' })
    expect([shown, state.asked]).toEqual([1, 1])
  })

  it('is not made a third time while they are not done', async () => {
    const { ask, state } = server(refusal('a'), 9)
    await expect(afterPages(ask, async () => true)).rejects.toMatchObject({ code: 'page_required' })
    expect(state.asked).toBe(2)
  })

  it.each([
    ['another error', new ProtocolError(-32602, 'no')],
    ['no page at all', refusal()],
    ['too many pages', refusal('a', 'b', 'c', 'd')],
    ['no address', new UrlElicitationRequiredError([{ mode: 'url', message: 'Go', elicitationId: 'a' } as never])],
  ])('fails as it is with %s', async (_, error) => {
    const { ask, state } = server(error, 9)
    await expect(afterPages(ask, async () => true)).rejects.toBe(error)
    expect(state.asked).toBe(1)
  })
})
