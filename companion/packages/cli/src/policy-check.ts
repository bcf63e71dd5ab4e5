import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { type CaseFailure, parseStrictJson, PolicyReport } from '@gatehouse/contracts'
import { CliError } from './cli-error.ts'

const run = promisify(execFile)
const LONGEST = 60_000

/** Has a server check the policies beside it with its own kit. @param main its bundle @throws CliError `policy_check_failed` */
export async function checkedPolicies(main: string): Promise<PolicyReport> {
  try {
    const options = { maxBuffer: 16 * 1024 * 1024, timeout: LONGEST }
    const { stdout } = await run(process.execPath, [main, '--check-policies'], options)
    return PolicyReport.parse(parseStrictJson(stdout))
  } catch (cause) {
    throw new CliError('policy_check_failed', `${main} does not check its policies`, { cause })
  }
}

export function isGood(report: PolicyReport): boolean {
  return report.kind === 'policies' && report.failures.length === 0 && report.undecided.length === 0
}

/** For a person, a line each. */
export function reportLines(report: PolicyReport): string[] {
  if (report.kind === 'policies-invalid') return [`${report.server}: ${report.message} (${report.code})`]
  const { server, cases, failures, rules, undecided } = report
  const outcome = failures.length === 0 ? 'all as expected' : `${failures.length} not as expected`
  return [
    `${server}: ${cases} cases, ${outcome}; ${rules.length} rules of its own`,
    ...table(failures),
    ...undecided.map((rule) => `  no case is decided by the rule ${rule}: add one, or remove the rule`),
  ]
}

function table(failures: readonly CaseFailure[]): string[] {
  if (failures.length === 0) return []
  const rows = failures.map(({ name, expected, answered }) => [name, inWords(expected), inWords(answered)])
  const all = [['case', 'expected', 'answered'], ...rows]
  const widths = [0, 1].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  return all.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`)
}

function inWords({ allowed, rule, reason }: CaseFailure['expected']): string {
  const by = rule === undefined ? '' : ` by ${rule}`
  const why = reason === undefined || allowed ? '' : `: ${reason}`
  return `${allowed ? 'allowed' : 'denied'}${by}${why}`
}
