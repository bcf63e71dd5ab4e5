import { join } from 'node:path'
import { root, run, runTool } from './process.ts'

/** Builds and packages the extension. @returns the path of the .vsix */
export async function packageExtension(): Promise<string> {
  const vsix = join(root, 'dist', 'gatehouse.vsix')
  const quiet = { stdio: ['ignore', 'ignore', 'inherit'] as ['ignore', 'ignore', 'inherit'] }
  const built = await run(
    process.execPath,
    ['esbuild.config.mjs', '--production', '--only', 'extension,webview,companion'],
    quiet,
  )
  if (built !== 0) throw new Error('the production build failed; its messages are above')
  const args = ['package', '--no-dependencies', '--allow-missing-repository', '--out', vsix]
  if ((await runTool('vsce', args, quiet)) !== 0) {
    throw new Error('the extension could not be packaged; the messages of vsce are above')
  }
  return vsix
}
