import type { CallStep } from '@gatehouse/contracts'
import { shownLine } from './shown-text.ts'

/** `Gatehouse: execute_statement on Presto waits for your approval` */
export function waitingWords(steps: readonly CallStep[], titleOf: (server: string) => string): string {
  const [first] = steps
  if (first === undefined) return 'Gatehouse: nothing waits for your approval'
  const what = `${shownLine(first.tool, 64)} on ${shownLine(titleOf(first.server), 60)}`
  if (steps.length === 1) return `Gatehouse: ${what} waits for your approval`
  const more = steps.length - 1
  return `Gatehouse: ${what} and ${more === 1 ? '1 more step' : `${more} more steps`} wait for your approval`
}
