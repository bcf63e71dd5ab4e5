import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { verifies } from '../requirements.ts'
import { type Served, serveFixture, servePresto } from './conformance-server/served.ts'
import { runRequirements, runScenario, type ServerScenario, type Verdict } from './conformance-server/suite.ts'
import { expectedFailures } from './expected-failures.ts'

const VERSIONS = ['2025-11-25', '2026-07-28']

let folder: string
let fixture: Served
let presto: Served
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-conformance-server-'))
  ;[fixture, presto] = await Promise.all([serveFixture(), servePresto()])
}, 180_000)
afterAll(async () => {
  await Promise.all([fixture.stop(), presto.stop()])
  rmSync(folder, { recursive: true, force: true })
})

const bad = (verdict: Verdict) => verdict === 'failed' || verdict === 'warned'

describe.each(VERSIONS)('the server scenarios that the official suite requires at %s', (version) => {
  test('all pass against a server built on the kit, but for those that are known to fail', {
    timeout: 900_000,
  }, async () => {
    verifies('SRV-KIT.2')
    const results = await runRequirements(folder, fixture.url, version)
    console.log(summary(`server conformance at ${version}`, results))
    const known = expectedFailures('server')
    expect(results.filter(({ scenario, verdict }) => bad(verdict) && !known.has(scenario))).toEqual([])
    // One that passes after all is to be taken off the list.
    expect(results.filter(({ scenario, verdict }) => !bad(verdict) && known.has(scenario))).toEqual([])
    expect(results.filter(({ scored }) => scored).length).toBeGreaterThanOrEqual(30)
  })
})

/** Scenarios that need no tools, prompts or resources of their own, by the versions at which they apply. */
const WITHOUT_FIXTURE: readonly (readonly [string, readonly string[]])[] = [
  ['server-initialize', ['2025-11-25']],
  ['server-session-lifecycle', ['2025-11-25']],
  ['ping', ['2025-11-25']],
  ['logging-set-level', ['2025-11-25']],
  ['tools-list', VERSIONS],
  ['server-sse-multiple-streams', VERSIONS],
  ['dns-rebinding-protection', VERSIONS],
  ['http-header-validation', ['2026-07-28']],
  ['input-required-result-unsupported-methods', ['2026-07-28']],
]

describe('the Presto server', () => {
  test('passes the scenarios that need no fixture', { timeout: 900_000 }, async () => {
    verifies('SRV-KIT.2')
    const results: ServerScenario[] = []
    for (const [scenario, versions] of WITHOUT_FIXTURE)
      for (const version of versions) results.push(await runScenario(folder, presto.url, scenario, version))
    console.log(summary('the Presto server', results))
    expect(results.filter(({ verdict }) => verdict !== 'passed')).toEqual([])
  })
})

function summary(title: string, results: readonly ServerScenario[]): string {
  const line = (part: string, of: readonly ServerScenario[]) => {
    const count = (verdict: Verdict) => of.filter((result) => result.verdict === verdict).length
    const checks = of.reduce((sum, { passed }) => sum + passed, 0)
    const counts = [`${count('passed')} passed (${checks} checks)`, `${count('failed')} failed`]
    return [part, [...counts, `${count('warned')} warned`, `${count('skipped')} not applicable`].join(', ')].join(': ')
  }
  const scored = results.filter((result) => result.scored)
  const others = results.filter((result) => !result.scored)
  return [title, line('required', scored), line('not counted', others)].join('\n  ')
}
