import type { DetailedError } from '@cedar-policy/cedar-wasm/nodejs'
import { GatehouseError } from '@gatehouse/contracts'

/** A policy text or schema that does not parse, or the one that does not fit the other: `policy_invalid`. The server does not start. */
export class PolicyError extends GatehouseError {}

type Answer = { type: 'success' } | { type: 'failure'; errors: DetailedError[] }

/** @throws PolicyError `policy_invalid` with what Cedar says is wrong */
export function accept<T extends Answer>(answer: T): Exclude<T, { type: 'failure' }> {
  if (answer.type === 'failure') throw new PolicyError('policy_invalid', messages(answer.errors))
  return answer as Exclude<T, { type: 'failure' }>
}

export function messages(errors: readonly DetailedError[]): string {
  return errors.map((error) => error.message).join('; ')
}
