import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { fail, root, run, say, which } from '../process.ts'

/** Its go.mod pins SPIRE and everything that SPIRE needs, by hash. */
const MODULE = join(root, 'companion', 'deploy', 'spire')

export interface Spire {
  /** Paths of the programs. */
  readonly server: string
  readonly agent: string
}

/** SPIRE, built by Go from the module proxy on first use, which takes some minutes; kept in the person's cache. */
export async function installSpire(): Promise<Spire> {
  const [, version] =
    /^\s*github\.com\/spiffe\/spire v(\S+)/m.exec(await readFile(join(MODULE, 'go.mod'), 'utf8')) ?? []
  if (!version) fail('companion/deploy/spire/go.mod does not say which SPIRE')
  const engines = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'gatehouse', 'engines')
  const folder = join(engines, `spire-${version}`)
  const spire = { server: join(folder, 'spire-server'), agent: join(folder, 'spire-agent') }
  if (await isVersion(spire, version)) return spire
  if (!(await which('go'))) fail('SPIRE is built with Go 1.25 or newer, which is missing: see https://go.dev/dl')
  if (!((await which('gcc')) ?? (await which('cc'))))
    fail('SPIRE’s SQLite is built with a C compiler, which is missing')
  say(`building SPIRE ${version}, once, which takes some minutes …`)
  await mkdir(engines, { recursive: true })
  const building = await mkdtemp(join(engines, 'spire-building-'))
  const programs = ['spire-server', 'spire-agent'].map((name) => `github.com/spiffe/spire/cmd/${name}`)
  const status = await run('go', ['install', '-buildvcs=false', '-ldflags', '-s -w', ...programs], {
    cwd: MODULE,
    env: { ...process.env, GOBIN: building, CGO_ENABLED: '1', GOFLAGS: '-mod=readonly', GOWORK: 'off' },
  })
  if (status !== 0) {
    await rm(building, { recursive: true, force: true })
    fail(`SPIRE could not be built: go install ended with status ${status}`)
  }
  await rm(folder, { recursive: true, force: true })
  await rename(building, folder)
  if (!(await isVersion(spire, version))) fail(`what was built is not SPIRE ${version}`)
  return spire
}

async function isVersion(spire: Spire, version: string): Promise<boolean> {
  const printed = await Promise.all(
    [spire.server, spire.agent].map((program) =>
      promisify(execFile)(program, ['--version']).then(
        ({ stdout, stderr }) => stdout + stderr,
        () => '',
      ),
    ),
  )
  // A build outside SPIRE's own says `dev` after the version.
  return printed.every((line) => line.trim().startsWith(version))
}
