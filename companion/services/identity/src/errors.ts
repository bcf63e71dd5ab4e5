import { GatehouseError } from '@gatehouse/contracts'

/**
 * Why the provider does not start or does not answer: `config_invalid`, `port_in_use`, `listen_failed`, `data_folder_unusable`,
 * `data_folder_in_use`, `data_folder_broken`; of a request: `request_invalid`, `unauthorized`, `not_found`, `origin_refused`.
 */
export class IdentityError extends GatehouseError {}
