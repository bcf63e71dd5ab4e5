import type { CallStep, Effect } from '@gatehouse/contracts'
import type { ArgumentView, PlanView, PlansState, StepView } from '../messages.ts'
import type { PlanEntry, StepState } from '../plans/types.ts'
import { shown, shownLine } from './shown-text.ts'

/** Plans of the past that the panel still shows. */
const HISTORY_LIMIT = 50

/** Everything the plans panel shows, as data. `subject` is the signed-in person, if there is one; `titleOf` gives a server's title; an unlisted one is shown by its id. */
export function plansState(
  entries: readonly PlanEntry[],
  options: { now: number; subject: string | undefined; titleOf: (server: string) => string | undefined },
): PlansState {
  const views = ownEntries(entries, options.subject).map((entry) => planView(entry, options.titleOf))
  const waits = (plan: PlanView) => plan.steps.some((step) => step.decidable)
  return {
    kind: 'state',
    now: options.now,
    signedIn: options.subject !== undefined,
    pending: views.filter(waits),
    history: views.filter((plan) => !waits(plan)).slice(0, HISTORY_LIMIT),
  }
}

/** A plan is decided by the person it was made for: whoever signs in later on this machine does not see it. */
export function ownEntries(entries: readonly PlanEntry[], subject: string | undefined): readonly PlanEntry[] {
  return entries.filter((entry) => entry.plan.createdBy === subject)
}

/** Steps that wait for the person, oldest first. */
export function decidableSteps(entries: readonly PlanEntry[], subject: string | undefined): readonly CallStep[] {
  return [...ownEntries(entries, subject)]
    .reverse()
    .flatMap((entry) =>
      entry.plan.steps.filter(
        (step): step is CallStep => step.kind === 'call' && isDecidable(entry.states[step.id] ?? { kind: 'expired' }),
      ),
    )
}

function planView(entry: PlanEntry, titleOf: (server: string) => string | undefined): PlanView {
  const { plan } = entry
  const calls = plan.steps.filter((step): step is CallStep => step.kind === 'call')
  return {
    id: plan.id,
    title: calls.length === 1 ? '1 step' : `${calls.length} steps`,
    proposedBy: `${DOORS[plan.origin.door]}, for ${shownLine(plan.createdBy, 80)}`,
    createdAt: Date.parse(plan.createdAt),
    expiresAt: Date.parse(plan.expiresAt),
    steps: calls.map((step) => stepView(step, entry, titleOf(step.server) ?? step.server)),
  }
}

const DOORS: Readonly<Record<PlanEntry['plan']['origin']['door'], string>> = {
  chat: "Proposed by the editor's chat",
  participant: 'Proposed by @gatehouse',
  command: 'Proposed by a command',
}

function stepView(step: CallStep, entry: PlanEntry, serverTitle: string): StepView {
  const state = entry.states[step.id] ?? { kind: 'expired' }
  const server = shownLine(serverTitle, 100)
  const touches = entry.touches[step.id] ?? []
  return {
    id: step.id,
    argumentsDigest: step.argumentsDigest,
    server,
    tool: shownLine(step.tool, 100),
    effect: step.effect,
    effectWords: EFFECTS[step.effect],
    risk: riskOf(step.effect, server, touches.length),
    summary: shown(step.summary),
    touches: touches.map(shown),
    arguments: Object.entries(step.arguments).map(([name, value]) => argumentView(name, value)),
    decidable: isDecidable(state),
    orphaned: state.kind === 'pending' && state.orphaned,
    ...statusOf(state),
  }
}

const EFFECTS: Readonly<Record<Effect, string>> = {
  read: 'Reads data',
  expensive: 'Reads data at a high cost',
  write: 'Changes data',
}

/** One sentence on what approving means. It rests on the reviewed effect alone, never on what the server or the model says of the call. */
function riskOf(effect: Effect, server: string, touches: number): string {
  const extent = touches > 1 ? ` in ${touches} places` : ''
  switch (effect) {
    case 'write':
      return `Approving changes data on ${server}${extent}. Gatehouse cannot undo it.`
    case 'expensive':
      return `Nothing is changed, but the call is over ${server}'s cost limit: it may run long and slow others down.`
    case 'read':
      return `Nothing is changed on ${server}.`
  }
}

/** Strings stand as they are, so that what is read is what is sent; everything else stands as JSON. */
export function argumentView(name: string, value: unknown): ArgumentView {
  if (typeof value === 'string') {
    const format = /^(sql|query|statement)$/i.test(name) ? 'sql' : 'text'
    return { name: shown(name), format, value: shown(value) }
  }
  return { name: shown(name), format: 'json', value: shown(JSON.stringify(value, undefined, 2)) }
}

/** Also what was approved and then left by a reload before it was sent; once sent, its receipt decides, not the person. */
function isDecidable(state: StepState): boolean {
  return state.kind === 'pending' || (state.kind === 'approved' && state.receipt === undefined)
}

function statusOf(state: StepState): Pick<StepView, 'status' | 'statusWords' | 'outcome'> {
  switch (state.kind) {
    case 'pending':
      return { status: 'pending', statusWords: 'Waits for you' }
    case 'approved':
      return { status: 'approved', statusWords: `Approved at ${clock(state.at)}, has not run yet` }
    case 'running':
      return { status: 'running', statusWords: `Running since ${clock(state.at)}` }
    case 'rejected':
      return {
        status: 'rejected',
        statusWords: `Rejected at ${clock(state.at)}`,
        ...(state.reason === '' ? {} : { outcome: shown(state.reason) }),
      }
    case 'withdrawn':
      return { status: 'withdrawn', statusWords: `Withdrawn by the proposer at ${clock(state.at)}` }
    case 'expired':
      return { status: 'expired', statusWords: 'Expired undecided' }
    case 'done': {
      const failed = state.outcome === 'failed'
      const outcome = state.text === '' ? {} : { outcome: shown(state.text) }
      return {
        status: failed ? 'failed' : 'done',
        statusWords: `${failed ? 'Failed' : 'Done'} at ${clock(state.at)}`,
        ...outcome,
      }
    }
  }
}

/** Local time of day, `14:03`. */
function clock(iso: string): string {
  return new Date(iso).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' })
}
