import { GatehouseError } from '@gatehouse/contracts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Answer } from '../../companion/packages/cli/src/team-chat/answer.ts'
import { parseMessage } from '../../companion/packages/cli/src/team-chat/message.ts'
import { forTerminal, sayAnswer } from '../../companion/packages/cli/src/team-chat/say-answer.ts'

describe('a message to the bot', () => {
  test.each([
    ['', { kind: 'nothing' }],
    ['  servers ', { kind: 'servers' }],
    ['tools', { kind: 'tools', server: undefined }],
    ['tools runbooks', { kind: 'tools', server: 'runbooks' }],
    ['call a b', { kind: 'call', server: 'a', tool: 'b', arguments: {} }],
    ['call a b{"x":1}', { kind: 'call', server: 'a', tool: 'b{"x":1}', arguments: {} }],
    ['call a b {"x": "a b  c"}', { kind: 'call', server: 'a', tool: 'b', arguments: { x: 'a b  c' } }],
    ['call a b {"x":1,"x":2}', undefined],
    ['call a b 7', undefined],
    ['call a', undefined],
    ['Servers', undefined],
  ])('%j', (text, message) => {
    if (message) expect(parseMessage(text)).toEqual(message)
    else expect(() => parseMessage(text)).toThrow(GatehouseError)
  })

  test('is understood or refused with a code, whatever it is', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((text) => `call a b ${text}`),
        ),
        (text) => {
          try {
            parseMessage(text)
          } catch (error) {
            expect(error).toBeInstanceOf(GatehouseError)
          }
        },
      ),
    )
  })
})

describe('an answer of the bot', () => {
  const answers: readonly (readonly [Answer, string])[] = [
    [{ kind: 'result', text: 'found', data: null }, 'found'],
    [{ kind: 'denied', code: 'denied', reason: 'needs the group ads' }, 'Not here: needs the group ads'],
    [{ kind: 'servers', servers: [] }, 'There is nothing that you may use here.'],
    [{ kind: 'tools', tools: [] }, 'There is no tool that you may call here.'],
    [
      { kind: 'failed', code: 'runbook_unknown', message: 'there is no runbook x', next: 'Find one.' },
      'That did not work: there is no runbook x (runbook_unknown)\nFind one.',
    ],
    [
      { kind: 'approval_required', server: 'presto', summary: 'Drop the table t' },
      'This waits for an approval: Drop the table t\nNothing has run. I cannot approve it, whoever asks me: do it in the editor, where presto asks you in Plans.',
    ],
  ]
  test.each(answers)('%j', (answer, text) => {
    expect(sayAnswer(answer)).toBe(text)
  })

  test('moves no cursor, sets no title and turns no text around, whatever a server says', () => {
    const hostile = 'a\u001b[2Jb\u001b]0;title\u0007c\u009bd\r\u0008e\u202ef\u2066g\nh\ti'
    expect(forTerminal(hostile)).not.toMatch(/[\u001b\u0007\u009b\r\u0008\u202e\u2066]/)
    expect(forTerminal('plain\n\ttext: é 😀')).toBe('plain\n\ttext: é 😀')
    const tool = { server: 's', name: 'n', title: hostile, description: hostile, effect: 'write' } as const
    expect(sayAnswer({ kind: 'tools', tools: [tool] })).toContain('waits for an approval in the editor')
    expect(sayAnswer({ kind: 'tools', tools: [tool] })).not.toContain('\u001b')
  })
})
