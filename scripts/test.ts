// `npm test`: installs what the suites need, builds, and runs every one of them. The last line counts: "N passed, N failed".
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ensureCodeServer } from './code-server.ts'
import { packageExtension } from './package-extension.ts'
import { fail, root, run, runTool, say } from './process.ts'
import { ensureSystemPackages } from './system-packages.ts'

interface Report {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
}

const results = join(root, 'test-results')
await rm(results, { recursive: true, force: true })
await mkdir(results, { recursive: true })

say('checking system packages and the browser-served VS Code …')
await ensureSystemPackages('browser')
await ensureCodeServer()

say('building the extension, the companion and the test bundles …')
await packageExtension()
if ((await run(process.execPath, ['esbuild.config.mjs', '--only', 'test'])) !== 0)
  fail('the build failed; its messages are above')

const suites = [
  {
    name: 'unit',
    title: 'contracts, identity, registry, kit, Presto, command line and the extension outside the editor',
    config: 'vitest.config.ts',
  },
  {
    name: 'editor',
    title: 'inside a real VS Code, and end to end as a person would',
    config: 'vitest.editor.config.ts',
  },
]
const total = { passed: 0, failed: 0, skipped: 0 }
for (const suite of suites) {
  say(`testing: ${suite.title} …`)
  const file = join(results, `${suite.name}.json`)
  const status = await runTool(
    'vitest',
    ['run', '--config', suite.config, '--reporter=default', '--reporter=json', `--outputFile.json=${file}`],
    {
      env: { ...process.env, GATEHOUSE_REQUIREMENTS_FILE: join(results, 'requirements.txt') },
    },
  )
  const report = await readReport(file)
  total.passed += report.numPassedTests
  total.skipped += report.numPendingTests
  // A suite that could not even be collected has no failed test in its report, and has failed all the same.
  total.failed += status === 0 ? 0 : Math.max(1, report.numFailedTests)
}
process.stdout.write(
  `${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}\n`,
)
process.exit(total.failed === 0 && total.passed > 0 ? 0 : 1)

async function readReport(file: string): Promise<Report> {
  const text = await readFile(file, 'utf8').catch(() => undefined)
  if (text === undefined) return { numPassedTests: 0, numFailedTests: 1, numPendingTests: 0 }
  return JSON.parse(text) as Report
}
