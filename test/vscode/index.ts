import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Mocha from 'mocha'

/** Entry of the suite inside the extension host: VS Code calls `run()` and takes a rejection for failure. */
export async function run(): Promise<void> {
  const mocha = new Mocha({ ui: 'bdd', timeout: 60_000 })
  mocha.suite.emit('pre-require', globalThis, '', mocha)
  await import('./activation.ts')
  const lines: string[] = []
  const failures = await new Promise<number>((resolve) => {
    const runner = mocha.run(resolve)
    runner.on('pass', (test) => lines.push(`passed  ${test.fullTitle()}`))
    runner.on('fail', (test, error: Error) => lines.push(`failed  ${test.fullTitle()}: ${error.message}`))
  })
  writeFileSync(
    process.env['GATEHOUSE_HOST_REPORT'] ?? join(import.meta.dirname ?? __dirname, 'report.txt'),
    `${lines.join('\n')}\n`,
  )
  if (failures > 0)
    throw new Error(`${failures} failed:\n${lines.filter((line) => line.startsWith('failed')).join('\n')}`)
}
