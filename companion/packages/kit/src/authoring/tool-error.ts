import { GatehouseError } from '@gatehouse/contracts'

/**
 * The one error whose text reaches the caller: a result with `isError`, `{ code, message, next }`.
 * Anything else that a tool throws becomes `internal_error`, without detail.
 */
export class ToolError extends GatehouseError {
  constructor(
    /** Stable, lower_snake_case. */
    code: string,
    message: string,
    /** What the caller can do next, one sentence. */
    readonly next: string,
    options?: ErrorOptions,
  ) {
    super(code, message, options)
  }
}
