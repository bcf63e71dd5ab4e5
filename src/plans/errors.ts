import { GatehouseError } from '@gatehouse/contracts'

/**
 * - `plan_not_saved`: the plan could not be written to disk, so nothing was decided or started
 * - `step_not_approved`: a start without an approval, or a second start
 * - `step_expired`: the approval, or the receipt of a step that was interrupted, is past its life
 * - `plans_disposed`: the window is closing
 */
export type PlanErrorCode = 'plan_not_saved' | 'step_not_approved' | 'step_expired' | 'plans_disposed'

export class PlanError extends GatehouseError {
  declare readonly code: PlanErrorCode
  constructor(code: PlanErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options)
  }
}
