import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from '../../../scripts/process.ts'
import { startCodeServer } from '../../../scripts/code-server.ts'
import { launchBrowser } from './editor.ts'

export interface HostRun {
  /** 0 when every test passed. */
  readonly exitCode: number
  /** One line per test. */
  readonly report: string
  readonly log: string
}

/** Runs a bundle that exports `run()` inside a real extension host, with the extension loaded from this folder. */
export async function runInExtensionHost(
  bundle: string,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<HostRun> {
  const home = await mkdtemp(join(tmpdir(), 'gatehouse-host-'))
  const report = join(home, 'report.txt')
  const server = await startCodeServer({
    home,
    settings,
    args: ['--vscode-option', 'enable-smoke-test-driver'],
    env: { GATEHOUSE_HOST_REPORT: report },
  })
  const browser = await launchBrowser()
  try {
    const page = await browser.newPage()
    const log: string[] = []
    const exit = new Promise<number>(
      (resolve) => void page.exposeFunction('codeAutomationExit', (code: number) => resolve(code)),
    )
    await page.exposeFunction('codeAutomationLog', (_type: string, args: unknown[]) =>
      log.push(args.map(String).join(' ')),
    )
    const remote = `vscode-remote://${new URL(server.url).host}`
    const payload = [
      ['extensionDevelopmentPath', `${remote}${root}`],
      ['extensionTestsPath', `${remote}${bundle}`],
    ]
    await page.goto(
      `${server.url}/?folder=${encodeURIComponent(home)}&payload=${encodeURIComponent(JSON.stringify(payload))}`,
    )
    const exitCode = await Promise.race([exit, timeLimit(120_000)])
    return { exitCode, report: await readFile(report, 'utf8').catch(() => ''), log: log.join('\n') }
  } finally {
    await browser.close()
    await server.stop()
    await rm(home, { recursive: true, force: true, maxRetries: 5 })
  }
}

function timeLimit(ms: number): Promise<never> {
  return new Promise((_resolve, reject) =>
    setTimeout(() => reject(new Error(`no answer from the extension host within ${ms / 1000} s`)), ms).unref(),
  )
}
