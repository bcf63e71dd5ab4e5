import { GatehouseError } from '@gatehouse/contracts'

/**
 * Why a command ends without having done its work. `usage`, `node_too_old`; of `up`: `data_folder_broken`, `data_folder_in_use`, `port_in_use`,
 * `bundle_missing`, `service_failed`; of the others: `stack_not_running`, `stack_file_broken`, `issuer_not_local`, `request_failed`, `request_too_large`,
 * `record_invalid`, `tool_not_available`, `tool_changed`, `arguments_invalid`, `policy_check_failed`, and the codes that the services answer with.
 */
export class CliError extends GatehouseError {}
