/** Base of every error that crosses a Gatehouse boundary. Callers branch on `code`, never on the text. */
export class GatehouseError extends Error {
  constructor(
    /** Stable, lower_snake_case. */
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
    this.name = new.target.name
  }
}

/**
 * Text or data that is not acceptable JSON: `json_syntax`, `json_duplicate_key`, `json_key`, `json_lone_surrogate`, `json_number`,
 * `json_depth`, `json_size`.
 */
export class JsonError extends GatehouseError {}

/** A surface that no reviewer can sign: `surface_duplicate_name`. */
export class SurfaceError extends GatehouseError {}
