import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { z } from 'zod'

const PACKAGE = dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/package.json'))
const COMMAND = join(PACKAGE, 'dist/index.js')
/** One scenario's time on a busy machine, milliseconds; the suite's own default is 30 seconds. */
const SCENARIO_LIMIT = 120_000

/** `skipped`: no check of it applies. `warned`: a SHOULD is not met, which counts as a failure here. */
export type Verdict = 'passed' | 'failed' | 'warned' | 'skipped'

export interface ServerScenario {
  readonly scenario: string
  /** Whether the requirement set counts it; the others run to be seen. */
  readonly scored: boolean
  readonly verdict: Verdict
  /** Checks that passed. */
  readonly passed: number
  /** Checks that failed or warned, for whoever reads the test's output. */
  readonly problems: readonly string[]
}

const Checks = z.array(
  z.object({ id: z.string(), status: z.string(), description: z.string(), errorMessage: z.string().optional() }),
)
type Checks = z.infer<typeof Checks>

/** Runs every server scenario of a requirement set against a server. @param folder for the suite's results; the caller removes it */
export async function runRequirements(folder: string, url: string, revision: string): Promise<ServerScenario[]> {
  const results = mkdtempSync(join(folder, 'results-'))
  const { stdout, stderr } = await conformance(folder, [
    'server',
    ...['--url', url, '--requirements', revision, '--timeout', String(SCENARIO_LIMIT), '--output-dir', results],
  ])
  const { scored, all } = requirementsOf(revision)
  const ran = all.map((scenario) => ({ scenario, checks: checksOf(results, scenario) }))
  const missing = ran.filter(({ checks }) => checks === undefined).map(({ scenario }) => scenario)
  if (missing.length > 0) throw new Error(`no result of ${missing.join(', ')}:\n${stdout}\n${stderr}`)
  return ran.map(({ scenario, checks = [] }) => resultOf(scenario, scored.has(scenario), checks))
}

/** Runs one scenario at one version. */
export async function runScenario(
  folder: string,
  url: string,
  scenario: string,
  version: string,
): Promise<ServerScenario> {
  const results = mkdtempSync(join(folder, 'results-'))
  const { stdout, stderr } = await conformance(folder, [
    'server',
    ...['--url', url, '--scenario', scenario, '--spec-version', version, '--timeout', String(SCENARIO_LIMIT)],
    ...['--output-dir', results],
  ])
  const checks = checksOf(results, scenario)
  if (!checks) throw new Error(`no result of ${scenario}:\n${stdout}\n${stderr}`)
  return resultOf(scenario, true, checks)
}

const Requirements = z.object({ scored: z.array(z.string()), others: z.array(z.string()) })

/** The set as the suite's own package has it. */
function requirementsOf(revision: string): { scored: ReadonlySet<string>; all: readonly string[] } {
  const text = readFileSync(join(PACKAGE, 'requirements', `${revision}.yaml`), 'utf8')
  const server = /^server:\n((?: {2}- .*\n)+)/m.exec(text)?.[1] ?? ''
  const scored = [...server.matchAll(/^ {2}- (\S+)$/gm)].map(([, name = '']) => name)
  const others = [...text.matchAll(/^ {2}- scenario: (\S+)\n {4}leg: server$/gm)].map(([, name = '']) => name)
  const parsed = Requirements.parse({ scored, others })
  return { scored: new Set(parsed.scored), all: [...parsed.scored, ...parsed.others] }
}

function resultOf(scenario: string, scored: boolean, checks: Checks): ServerScenario {
  const having = (status: string) => checks.filter((check) => check.status === status)
  const problems = [...having('FAILURE'), ...having('WARNING')]
  const passed = having('SUCCESS').length
  return {
    scenario,
    scored,
    verdict: verdictOf(having('FAILURE').length, having('WARNING').length, passed),
    passed,
    problems: problems.map(({ id, errorMessage, description }) => `${id}: ${errorMessage ?? description}`),
  }
}

function verdictOf(failures: number, warnings: number, passed: number): Verdict {
  if (failures > 0) return 'failed'
  if (warnings > 0) return 'warned'
  return passed > 0 ? 'passed' : 'skipped'
}

function checksOf(results: string, scenario: string): Checks | undefined {
  const own = new RegExp(`(^|/)server-${scenario}-\\d{4}-[^/]*/checks\\.json$`)
  const file = readdirSync(results, { recursive: true, encoding: 'utf8' }).find((name) => own.test(name))
  return file === undefined ? undefined : Checks.parse(JSON.parse(readFileSync(join(results, file), 'utf8')))
}

function conformance(folder: string, args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [COMMAND, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_COMPILE_CACHE: join(folder, 'compiled') },
  })
  const out = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => (out.stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (out.stderr += chunk.toString()))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', () => resolve(out))
  })
}
