import { GatehouseError } from '@gatehouse/contracts'

/** `folder_unusable`: the folder of runbooks cannot be read; `runbook_refused`: one file in it is left out, the message says why. */
export class LibraryError extends GatehouseError {}
