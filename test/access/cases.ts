import type { AccessCase } from './case.ts'
import { ALMANAC, STRANGERS, TREASURY, VAULT } from './cases/others.ts'
import { PRESTO } from './cases/presto.ts'
import { RUNBOOKS } from './cases/runbooks.ts'
import { WORKLOADS } from './cases/workloads.ts'

/** Who may do what, in every shape; by family. */
export const CASES: readonly (readonly [family: string, cases: readonly AccessCase[]])[] = [
  ['the data server', PRESTO],
  ['the server of two channels', RUNBOOKS],
  ['the server that is not to be known of', VAULT],
  ['the server in production', TREASURY],
  ['the server with policies of its own', ALMANAC],
  ['clients that are not registered', STRANGERS],
  ['workloads', WORKLOADS],
]

export const ALL_CASES: readonly AccessCase[] = CASES.flatMap(([, cases]) => cases)
