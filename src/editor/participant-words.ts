import type { CallStep } from '@gatehouse/contracts'
import type { CatalogState } from '../catalog/types.ts'
import type { PlanEntry } from '../plans/types.ts'
import { explain } from './errors.ts'
import { decidableSteps, ownEntries } from './plan-view.ts'
import { shownLine } from './shown-text.ts'

/** Answer to `/servers`, as plain text. */
export function describeServers(state: CatalogState): string {
  switch (state.kind) {
    case 'signed-out':
      return 'You are signed out.'
    case 'loading':
      return 'The approved servers are being fetched. Ask again in a moment.'
    case 'unavailable': {
      const { title, explanation } = explain(state.problem.code)
      return `${title}. ${explanation} Until then every server is closed.`
    }
    case 'ready':
      return state.servers.length === 0
        ? 'The registry lists no server for you yet.'
        : state.servers.map(serverWords).join('\n\n')
  }
}

function serverWords(listed: (CatalogState & { kind: 'ready' })['servers'][number]): string {
  if (listed.access === 'denied') {
    return `${shownLine(listed.title)}: no access. ${shownLine(listed.reason, 500)} Ask ${shownLine(listed.owner.team)} in ${shownLine(listed.support.channel)}.`
  }
  const { record } = listed
  const tools = record.tools
    .map((tool) => (tool.effect === 'read' ? tool.name : `${tool.name} (asks first)`))
    .join(', ')
  return `${shownLine(record.title)}: ${shownLine(record.description)}\nTools: ${shownLine(tools, 2000)}\nOwner: ${shownLine(record.owner.team)}. Support: ${shownLine(record.support.channel)}.`
}

/** Answer to `/plan`, as plain text: what waits, then the last few that were decided. */
export function describePlans(entries: readonly PlanEntry[], subject: string): string {
  const waiting = decidableSteps(entries, subject)
  const waitingWords =
    waiting.length === 0
      ? 'Nothing waits for your approval.'
      : `${waiting.length === 1 ? '1 step waits' : `${waiting.length} steps wait`} for your approval:\n${waiting.map(stepWords).join('\n')}`
  const decided = ownEntries(entries, subject)
    .flatMap((entry) =>
      entry.plan.steps.flatMap((step) =>
        step.kind === 'call' ? [{ step, state: entry.states[step.id]?.kind ?? 'expired' }] : [],
      ),
    )
    .filter(({ step }) => !waiting.includes(step))
    .slice(0, 5)
  if (decided.length === 0) return waitingWords
  return `${waitingWords}\n\nDecided last:\n${decided.map(({ step, state }) => `${stepWords(step)}: ${state}`).join('\n')}`
}

function stepWords(step: CallStep): string {
  return `${shownLine(step.tool)} on ${shownLine(step.server)}`
}
