import { definePrompt, type Offer, type ServerDefinition } from '@gatehouse/kit'
import { z } from 'zod'
import { askingTools } from './asking-tools.ts'
import { nothing, plainTools, suiteTool } from './plain-tools.ts'
import { readables } from './readables.ts'

/** What a list can lose and get back by the registry's word. */
export type Changing = 'tools' | 'prompts'

/** What comes and goes. */
const toggled: readonly Offer[] = [
  suiteTool('test_toggled_tool', nothing, async () => 'here'),
  definePrompt({
    name: 'test_toggled_prompt',
    title: 'Toggled',
    description: 'Comes and goes',
    input: z.strictObject({}),
    policy: {},
    run: async () => ({ messages: [{ role: 'user', content: { type: 'text', text: 'here' } }] }),
  }),
]

/**
 * The server that the official suite's scenarios ask for, written as any author would.
 * @param change has the registry sign a record under which the list of that kind looks different
 */
export function conformanceServer(change: (what: Changing) => void): ServerDefinition {
  const triggers = (['tools', 'prompts'] as const).map((what) =>
    suiteTool(`test_trigger_${what.slice(0, -1)}_change`, nothing, async () => {
      change(what)
      return 'changed'
    }),
  )
  const offers = [...plainTools, ...askingTools, ...readables, ...triggers, ...toggled]
  return {
    id: 'conformance',
    title: 'Conformance',
    version: '1.0.0',
    instructions: 'For the official conformance suite.',
    toolsClass: offers,
    start: async () => ({ tools: offers, dispose: async () => undefined }),
  }
}
