import type { PlanEntry, StepState } from '../plans/types.ts'
import type { ToolOutcome } from '../connections/types.ts'

const MAX_STEPS = 20

export const PLAN_STATUS = {
  name: 'plan_status',
  title: 'Status of proposed changes',
  description:
    'What became of the changes proposed in this conversation: waiting for the person, approved, running, done with its outcome, rejected, withdrawn or expired. Use it after a call that waited for an approval ended early, or when the person says that they have decided. It changes nothing. A rejected change must not be proposed again unless the person asks.',
  inputSchema: { type: 'object' as const, properties: {}, additionalProperties: false },
  annotations: { title: 'Status of proposed changes', readOnlyHint: true, openWorldHint: false },
}

/** Steps of one conversation on one server, newest plan first. Without a conversation there is nothing to tell. */
export function planStatus(
  entries: readonly PlanEntry[],
  server: string,
  conversation: string | undefined,
): ToolOutcome {
  const steps = entries
    .filter(({ plan }) => conversation !== undefined && plan.origin.conversation === conversation)
    .flatMap((entry) =>
      entry.plan.steps.flatMap((step) =>
        step.kind === 'call' && step.server === server ? [{ step, state: entry.states[step.id] }] : [],
      ),
    )
    .slice(0, MAX_STEPS)
    .map(({ step, state }) => ({ step: step.id, tool: step.tool, summary: step.summary, ...told(state) }))
  return {
    isError: false,
    text:
      steps.length === 0
        ? 'No change was proposed in this conversation.'
        : steps.map((step) => `${step.tool}: ${step.state}`).join('\n'),
    structured: { steps },
  }
}

function told(state: StepState | undefined): { state: string; outcome?: string } {
  if (!state) return { state: 'unknown' }
  switch (state.kind) {
    case 'done':
      return { state: state.outcome === 'ok' ? 'done' : 'failed', outcome: state.text.slice(0, 2000) }
    case 'rejected':
      return { state: 'rejected', outcome: state.reason }
    case 'pending':
      return { state: 'waiting for the person' }
    default:
      return { state: state.kind }
  }
}
