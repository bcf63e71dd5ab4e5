import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import * as vscode from 'vscode'

/**
 * Runs inside the extension host: what the extension costs this window before it waits for anything. The main bundle is read and compiled
 * once more, so that its loading counts, and `activate` says how long it took.
 */
export async function run(): Promise<void> {
  const extension = vscode.extensions.getExtension<{ test?: { activationMs: number } }>('gatehouse.gatehouse')
  if (!extension) throw new Error('the extension is not there')
  const { test } = await extension.activate()
  if (!test) throw new Error('the extension says nothing of its activation outside of a test host')
  const main = join(extension.extensionPath, 'dist/extension.cjs')
  const require = createRequire(main)
  delete require.cache[main]
  const startedAt = performance.now()
  require(main)
  const loadMs = performance.now() - startedAt
  writeFileSync(process.env['GATEHOUSE_HOST_REPORT'] ?? '', JSON.stringify({ loadMs, activateMs: test.activationMs }))
}
