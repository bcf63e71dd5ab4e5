import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { verifies } from '../requirements.ts'
import { type ClientSuite, clientSuite, type ScenarioResult } from './conformance-client/suite.ts'
import { expectedFailures } from './expected-failures.ts'

/** Scenarios under way at a time. */
const PARALLEL = 2

let folder: string
let suite: ClientSuite
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-conformance-client-'))
  suite = await clientSuite(folder)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe.each(['2025-11-25', '2026-07-28'])('the client scenarios of the official suite at %s', (version) => {
  test('all pass, but for those that are known to fail', { timeout: 600_000 }, async () => {
    verifies('AUTH-1.1', 'AUTH-1.2', 'AUTH-5.2', 'AUTH-5.3', 'AUTH-6.1', 'EDIT-4.1')
    const scenarios = await suite.scenarios(version)
    expect(scenarios.filter((name) => name.startsWith('auth/')).length).toBeGreaterThanOrEqual(14)
    const results = await runAll(scenarios, version)
    console.log(summary(version, results))
    const known = expectedFailures('client')
    const failed = results.filter(({ outcome }) => outcome === 'failed')
    expect(failed.filter(({ scenario }) => !known.has(scenario))).toEqual([])
    const failedToo = new Set(failed.map(({ scenario }) => scenario))
    expect(scenarios.filter((scenario) => known.has(scenario) && !failedToo.has(scenario))).toEqual([])
  })
})

test('every known failure is of a scenario that there is', async () => {
  const all = [...(await suite.scenarios('2025-11-25')), ...(await suite.scenarios('2026-07-28'))]
  expect([...expectedFailures('client').keys()].filter((scenario) => !all.includes(scenario))).toEqual([])
})

async function runAll(scenarios: readonly string[], version: string): Promise<ScenarioResult[]> {
  const waiting = [...scenarios]
  const results: ScenarioResult[] = []
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
      results.push(await suite.run(next, version))
  }
  await Promise.all(Array.from({ length: PARALLEL }, worker))
  return results
}

function summary(version: string, results: readonly ScenarioResult[]): string {
  const parts = [
    ['core', results.filter(({ scenario }) => !scenario.startsWith('auth/'))],
    ['auth', results.filter(({ scenario }) => scenario.startsWith('auth/'))],
  ] as const
  const lines = parts.map(([part, all]) => {
    const count = (outcome: ScenarioResult['outcome']) => all.filter((result) => result.outcome === outcome).length
    const checks = all.reduce((sum, { passed }) => sum + passed, 0)
    return `${part}: ${count('passed')} passed (${checks} checks), ${count('failed')} failed, ${count('skipped')} not applicable`
  })
  return [`client conformance at ${version}`, ...lines].join('\n  ')
}
