import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../../scripts/process.ts'
import { runInExtensionHost } from './support/extension-host.ts'

test('the suite inside the extension host passes', async () => {
  const run = await runInExtensionHost(join(root, 'dist/test/vscode/index.cjs'))
  expect(run.exitCode, `${run.report}\n${run.log}`).toBe(0)
  expect(run.report).toContain('passed  Gatehouse in the extension host activates')
})
