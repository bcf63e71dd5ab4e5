import { GatehouseError } from '@gatehouse/contracts'

/**
 * A server that is written wrongly and does not start: `tool_without_policy`, `tool_duplicate`, `tool_input_open`, `tool_invalid`, the same of
 * `prompt_` and `resource_` (but `_input_open`), and `server_invalid`.
 */
export class DefinitionError extends GatehouseError {}
