import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root, run } from '../../../scripts/process.ts'

/** Packages the scripted language model as an extension of its own. @returns the path of the .vsix */
export async function packageModel(): Promise<string> {
  const vsix = join(await mkdtemp(join(tmpdir(), 'gatehouse-model-')), 'model.vsix')
  const vsce = join(root, 'node_modules', '.bin', 'vsce')
  const args = ['package', '--no-dependencies', '--allow-missing-repository', '--skip-license', '--out', vsix]
  const status = await run(vsce, args, {
    cwd: join(root, 'dist/test/model-extension'),
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if (status !== 0) throw new Error('the scripted model could not be packaged')
  return vsix
}
