import { GatehouseError } from '@gatehouse/contracts'
import * as vscode from 'vscode'
import type { PlansRequest } from '../messages.ts'
import type { Plans } from '../plans/types.ts'
import { checkDecision } from './decisions.ts'
import { decidableSteps } from './plan-view.ts'
import { shownLine } from './shown-text.ts'

/** `decision_stale`: what the person saw is not what waits now. */
class DecisionError extends GatehouseError {}

/** A decision made in the Plans view. @throws DecisionError, PlanError */
export function decide(
  request: PlansRequest & { kind: 'approve' | 'reject' },
  plans: Plans,
  subject: string | undefined,
): void {
  const decision = checkDecision(request, plans.entries(), subject)
  switch (decision.kind) {
    case 'refuse':
      throw new DecisionError('decision_stale', decision.why)
    case 'approve':
      return plans.approve(decision.steps)
    case 'reject':
      return plans.reject(decision.steps, decision.reason)
  }
}

/**
 * "Approve All" from the command palette, where the steps are not in view: a modal question names each, and its default is to look
 * instead. What arrives while the question stands is not part of the answer.
 */
export async function approveAll(
  plans: Plans,
  subject: string | undefined,
  reveal: () => Promise<void>,
): Promise<void> {
  const steps = decidableSteps(plans.entries(), subject)
  if (steps.length === 0)
    return void vscode.window.showInformationMessage('Gatehouse: nothing waits for your approval.')
  const look = 'Look First'
  const approve = steps.length === 1 ? 'Approve It Unseen' : `Approve All ${steps.length} Unseen`
  const detail = steps
    .map((step) => `${shownLine(step.tool, 64)} on ${shownLine(step.server, 40)}: ${shownLine(step.summary, 160)}`)
    .join('\n')
  const choice = await vscode.window.showWarningMessage(
    'Approve what waits without looking at the arguments?',
    { modal: true, detail },
    look,
    approve,
  )
  if (choice === look) await reveal()
  if (choice !== approve) return
  const request = { kind: 'approve' as const, steps: steps.map(({ id, argumentsDigest }) => ({ id, argumentsDigest })) }
  decide(request, plans, subject)
}

/** Rejecting is safe, so it is not asked about; the agent is told why. */
export async function rejectAll(plans: Plans, subject: string | undefined): Promise<void> {
  const steps = decidableSteps(plans.entries(), subject)
  plans.reject(
    steps.map((step) => step.id),
    'Rejected together with everything that waited.',
  )
  vscode.window.setStatusBarMessage(steps.length === 1 ? 'Rejected 1 step' : `Rejected ${steps.length} steps`, 3000)
}
