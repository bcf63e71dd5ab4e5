import { GatehouseError } from '@gatehouse/contracts'

/** `config_invalid`, `record_invalid`, `signing_key_invalid`. */
export class RegistryError extends GatehouseError {}
