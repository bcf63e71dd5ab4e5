import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { build } from 'esbuild'
import { z } from 'zod'

const PACKAGE = dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/package.json'))
const COMMAND = join(PACKAGE, 'dist/index.js')
/** The suite's own limit for one run of the client, milliseconds; several times what one takes on a busy machine. */
const CLIENT_LIMIT = 90_000

export interface ScenarioResult {
  readonly scenario: string
  /** `skipped`: every check of it says that it does not apply to this client. */
  readonly outcome: 'passed' | 'failed' | 'skipped'
  /** Checks that passed. */
  readonly passed: number
  /** Checks that failed or warned, and what the client said, for whoever reads the test's output. */
  readonly problems: readonly string[]
}

const Checks = z.array(
  z.object({ id: z.string(), status: z.string(), description: z.string(), errorMessage: z.string().optional() }),
)

/** The official suite's client scenarios against one program. */
export interface ClientSuite {
  /** Those that apply at a version, extensions among them. */
  scenarios(version: string): Promise<string[]>
  run(scenario: string, version: string): Promise<ScenarioResult>
}

/** @param folder for the built driver and the suite's results; the caller removes it */
export async function clientSuite(folder: string): Promise<ClientSuite> {
  const driver = join(folder, 'driver.mjs')
  await build({
    entryPoints: [join(import.meta.dirname, 'driver.ts')],
    outfile: driver,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    logLevel: 'silent',
  })
  return {
    async scenarios(version) {
      const { stdout } = await conformance(folder, ['list', '--client'])
      const listed = [...stdout.matchAll(/^ {2}- (\S+) \[([^\]]+)\]$/gm)].map(([, name = '', versions = '']) => ({
        name,
        versions: versions.split(','),
      }))
      const applies = (item: { versions: string[] }) =>
        ['extension', version].some((one) => item.versions.includes(one))
      return listed.filter(applies).map(({ name }) => name)
    },
    async run(scenario, version) {
      const results = mkdtempSync(join(folder, 'results-'))
      const { status, stderr } = await conformance(folder, [
        'client',
        ...['--command', `${process.execPath} ${driver}`, '--scenario', scenario, '--spec-version', version, '--force'],
        ...['--timeout', String(CLIENT_LIMIT), '--output-dir', results],
      ])
      const checks = checksIn(results)
      const bad = checks.filter(({ status }) => status === 'FAILURE' || status === 'WARNING')
      const said = stderr.split('\nChecks:')[0] ?? ''
      return {
        scenario,
        outcome: status !== 0 ? 'failed' : checks.some(({ status }) => status === 'SUCCESS') ? 'passed' : 'skipped',
        passed: checks.filter(({ status }) => status === 'SUCCESS').length,
        problems:
          status === 0 ? [] : [...bad.map((check) => `${check.id}: ${check.errorMessage ?? check.description}`), said],
      }
    },
  }
}

function checksIn(results: string) {
  const file = readdirSync(results, { recursive: true, encoding: 'utf8' }).find((name) => name.endsWith('checks.json'))
  return file === undefined ? [] : Checks.parse(JSON.parse(readFileSync(join(results, file), 'utf8')))
}

function conformance(folder: string, args: readonly string[]) {
  const child = spawn(process.execPath, [COMMAND, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // Sixty runs load the same code.
    env: { ...process.env, NODE_COMPILE_CACHE: join(folder, 'compiled') },
  })
  const out = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => (out.stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (out.stderr += chunk.toString()))
  return new Promise<{ status: number | null; stdout: string; stderr: string }>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (status) => resolve({ status, ...out }))
  })
}
