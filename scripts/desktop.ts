// `npm run test:desktop`: the extension-host suite in desktop VS Code, at the oldest version the manifest admits and at the newest.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runTests } from '@vscode/test-electron'
import { fail, root, run, say } from './process.ts'

const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { engines: { vscode: string } }
const minimum = manifest.engines.vscode.replace(/^[^0-9]*/, '')

if ((await run(process.execPath, ['esbuild.config.mjs'])) !== 0) fail('the build failed; its messages are above')
for (const version of [minimum, 'stable']) {
  say(`desktop VS Code ${version} …`)
  await runTests({
    version,
    extensionDevelopmentPath: root,
    extensionTestsPath: join(root, 'dist/test/vscode/index.cjs'),
    launchArgs: ['--disable-extensions'],
  }).catch((error: unknown) =>
    fail(`desktop VS Code ${version}: ${error instanceof Error ? error.message : String(error)}`),
  )
}
