import { randomUUID } from 'node:crypto'
import type { CallStep } from '@gatehouse/contracts'
import { PlanError } from './errors.ts'
import { openPlanFolder } from './plan-folder.ts'
import { createPlanSeal } from './seal.ts'
import * as to from './transitions.ts'
import type { PlanEntry, Plans, PlansLog, Proposing, StepDecision } from './types.ts'

export interface PlansOptions {
  /** One per workspace; made when first needed, mode 0700. */
  readonly folder: string
  /** Seals what is written there (`openSealKey`); 32 bytes. */
  readonly sealKey: Uint8Array
  readonly log: PlansLog
  /** Epoch milliseconds. */
  readonly now?: () => number
  /** Seconds that a plan, and an approval of it, lives. Default one hour. */
  readonly planLife?: number
}

interface Waiter {
  settle(decision: StepDecision): void
  fail(reason: unknown): void
}

type OrphanRunner = (entry: PlanEntry, step: CallStep) => void

/** A timer's longest delay (2^31 - 1 ms); a plan's life is far below it, a mistaken clock may not be. */
const LONGEST_DELAY = 2 ** 31 - 1

export function createPlans(options: PlansOptions): Plans {
  const now = options.now ?? Date.now
  const folder = openPlanFolder(options.folder, createPlanSeal(options.sealKey), options.log)
  const entries = new Map<string, PlanEntry>()
  const planOf = new Map<string, string>()
  const waiters = new Map<string, Waiter>()
  const listeners = new Set<() => void>()
  /** Approved steps that a call or the orphan runner has in hand: approving them again starts nothing. */
  const inHand = new Set<string>()
  /** Steps sent before a reload, to be sent again under their receipt. */
  let interrupted: string[] = []
  let runner: OrphanRunner | undefined
  let timer: NodeJS.Timeout | undefined
  let disposed = false

  for (const stored of folder.load().reverse()) {
    const entry = to.reloaded(stored, now())
    remember(entry)
    for (const [id, state] of Object.entries(entry.states)) {
      if (state.kind === 'approved' && state.receipt) interrupted.push(id)
    }
  }
  arm()

  return {
    entries: () => [...entries.values()].reverse(),
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    propose,
    approve(stepIds) {
      expireNow()
      const again = stepIds.filter(isLeftApproved)
      const changed = changeAll(stepIds, (entry, id) => to.approved(entry, id, now()))
      for (const id of [...changed, ...again]) {
        const entry = entryOf(id)
        const step = entry && callOf(entry, id)
        if (!entry || !step) continue
        if (settle(id, { kind: 'approved', entry, step })) inHand.add(id)
        else runOrphan(id)
      }
      notify()
    },
    reject(stepIds, reason) {
      for (const id of changeAll(stepIds, (entry, id) => to.rejected(entry, id, reason, now()))) {
        settle(id, { kind: 'rejected', reason })
      }
      notify()
    },
    withdraw(stepId) {
      changeQuietly(stepId, (entry) => to.withdrawn(entry, stepId, now()))
      settle(stepId, { kind: 'withdrawn' })
      notify()
    },
    abandon,
    started(stepId) {
      const before = entryOf(stepId)
      const after = before && to.running(before, stepId, now())
      const state = after?.states[stepId]
      if (!after || state?.kind !== 'running') {
        throw ['approved', 'expired'].includes(before?.states[stepId]?.kind ?? '')
          ? new PlanError('step_expired', 'The approval of this step is past its life.')
          : new PlanError('step_not_approved', 'This step is not approved, or has been started already.')
      }
      put(after)
      notify()
      return state.receipt
    },
    finished(stepId, outcome, text) {
      changeQuietly(stepId, (entry) => to.done(entry, stepId, outcome, text, now()))
      notify()
    },
    onOrphanApproved(run) {
      runner = run
      const waiting = interrupted
      interrupted = []
      for (const id of waiting) queueMicrotask(() => runOrphan(id))
      return () => {
        if (runner === run) runner = undefined
      }
    },
    dispose() {
      disposed = true
      clearTimeout(timer)
      for (const waiter of waiters.values()) waiter.fail(new PlanError('plans_disposed', 'The window is closing.'))
      waiters.clear()
      listeners.clear()
      runner = undefined
    },
  }

  function propose(proposing: Proposing, signal: AbortSignal) {
    if (disposed) throw new PlanError('plans_disposed', 'The window is closing.')
    signal.throwIfAborted()
    const step = to.callStep(randomUUID(), proposing)
    const open = [...entries.values()].reverse().find((entry) => to.isOpenFor(entry, proposing, now()))
    put(
      open
        ? to.addStep(open, proposing, step)
        : to.newEntry(proposing, step, { id: randomUUID(), now: now(), life: options.planLife ?? 3600 }),
    )
    const decision = new Promise<StepDecision>((resolve, reject) => {
      waiters.set(step.id, { settle: resolve, fail: reject })
      const ended = () => {
        const waiter = waiters.get(step.id)
        abandon(step.id)
        waiter?.fail(signal.reason)
      }
      signal.addEventListener('abort', ended, { once: true })
    })
    decision.catch(() => undefined)
    notify()
    return { stepId: step.id, decision }
  }

  function abandon(stepId: string): void {
    if (disposed) return
    waiters.delete(stepId)
    changeQuietly(stepId, (entry) => to.orphaned(entry, stepId))
    notify()
  }

  /** Approved before a reload and never started: nothing runs it but the person, once more. */
  function isLeftApproved(stepId: string): boolean {
    const state = entryOf(stepId)?.states[stepId]
    return state?.kind === 'approved' && !inHand.has(stepId)
  }

  function runOrphan(stepId: string): void {
    const entry = entryOf(stepId)
    const step = entry && callOf(entry, stepId)
    if (!entry || !step || entry.states[stepId]?.kind !== 'approved' || inHand.has(stepId)) return
    if (runner) {
      inHand.add(stepId)
      runner(entry, step)
    } else if (!disposed) interrupted.push(stepId)
  }

  /** Applies one change to several steps, one write per plan, in the order of the plans' steps. Returns the steps that changed. */
  function changeAll(
    stepIds: readonly string[],
    change: (entry: PlanEntry, stepId: string) => PlanEntry | undefined,
  ): string[] {
    const changed: string[] = []
    for (const planId of new Set(stepIds.map((id) => planOf.get(id)))) {
      let entry = planId === undefined ? undefined : entries.get(planId)
      if (!entry) continue
      const touched: string[] = []
      for (const { id } of entry.plan.steps) {
        const after: PlanEntry | undefined = stepIds.includes(id) ? change(entry, id) : undefined
        if (!after) continue
        entry = after
        touched.push(id)
      }
      if (touched.length > 0) put(entry)
      changed.push(...touched)
    }
    return changed
  }

  /** For what has happened already, whatever the disk says: memory is right, and a reload falls back to the state before. */
  function changeQuietly(stepId: string, change: (entry: PlanEntry) => PlanEntry | undefined): void {
    const entry = entryOf(stepId)
    const after = entry && change(entry)
    if (!after) return
    remember(after)
    try {
      folder.save(after)
    } catch {
      options.log({ level: 'error', code: 'plan_not_saved', message: 'The state of a step could not be saved.' })
    }
    arm()
  }

  function put(entry: PlanEntry): void {
    folder.save(entry)
    remember(entry)
    arm()
  }

  function remember(entry: PlanEntry): void {
    entries.set(entry.plan.id, entry)
    for (const step of entry.plan.steps) planOf.set(step.id, entry.plan.id)
  }

  function entryOf(stepId: string): PlanEntry | undefined {
    const planId = planOf.get(stepId)
    return planId === undefined ? undefined : entries.get(planId)
  }

  function settle(stepId: string, decision: StepDecision): boolean {
    const waiter = waiters.get(stepId)
    waiters.delete(stepId)
    waiter?.settle(decision)
    return waiter !== undefined
  }

  function expireNow(): void {
    for (const entry of entries.values()) {
      const after = to.expired(entry, now())
      if (after === entry || to.expiry(entry) === undefined) continue
      for (const { id } of after.plan.steps) {
        if (after.states[id]?.kind !== 'expired' || entry.states[id]?.kind === 'expired') continue
        changeQuietly(id, () => after)
        settle(id, { kind: 'expired' })
      }
    }
  }

  function arm(): void {
    clearTimeout(timer)
    if (disposed) return
    const next = Math.min(...[...entries.values()].map((entry) => to.expiry(entry) ?? Number.POSITIVE_INFINITY))
    if (!Number.isFinite(next)) return
    timer = setTimeout(
      () => {
        expireNow()
        arm()
        notify()
      },
      Math.min(Math.max(next - now(), 0), LONGEST_DELAY),
    )
    timer.unref()
  }

  function notify(): void {
    for (const listener of [...listeners]) listener()
  }
}

function callOf(entry: PlanEntry, stepId: string): CallStep | undefined {
  const step = entry.plan.steps.find(({ id }) => id === stepId)
  return step?.kind === 'call' ? step : undefined
}
