import { GatehouseError } from '@gatehouse/contracts'

/** A server that is written wrongly and does not start: `tool_without_policy`, `tool_duplicate`, `tool_input_open`, `tool_invalid`. */
export class DefinitionError extends GatehouseError {}
