import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fail, run, say, which } from '../process.ts'

const KEYCLOAK_VERSION = '26.4.5'
/** What Keycloak 26 runs on. */
const JAVA_AT_LEAST = 17

/**
 * Keycloak from Maven Central (160 MB), fetched on first use and kept in the person's cache. Ends the command with one clear line where Java
 * or Maven is missing, or the download fails.
 * @returns the folder of the distribution, built for its own file database; it is to be copied, since a start writes into it
 */
export async function installKeycloak(): Promise<string> {
  await requireJava()
  const engines = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'gatehouse', 'engines')
  const folder = join(engines, `keycloak-${KEYCLOAK_VERSION}`)
  if (existsSync(join(folder, 'bin', 'kc.sh'))) return folder
  if (!(await which('mvn')))
    fail('Keycloak is fetched by Maven, which is missing; install it (Debian: apt-get install maven)')
  say(`fetching Keycloak ${KEYCLOAK_VERSION} from Maven Central (160 MB, once) …`)
  const partial = `${folder}.partial-${process.pid}`
  await mkdir(partial, { recursive: true })
  try {
    await fetchInto(partial)
    await build(join(partial, `keycloak-${KEYCLOAK_VERSION}`))
    await rm(folder, { recursive: true, force: true })
    await rename(join(partial, `keycloak-${KEYCLOAK_VERSION}`), folder)
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
  return folder
}

async function fetchInto(folder: string): Promise<void> {
  const artifact = `org.keycloak:keycloak-quarkus-dist:${KEYCLOAK_VERSION}:tar.gz`
  const quiet = { stdio: ['ignore', 'ignore', 'inherit'] as ['ignore', 'ignore', 'inherit'] }
  // Maven compares the artifact with the checksum that the repository publishes.
  const copied = await run(
    'mvn',
    ['-q', '-B', 'dependency:copy', `-Dartifact=${artifact}`, `-DoutputDirectory=${folder}`],
    quiet,
  )
  if (copied !== 0) fail(`Maven could not fetch ${artifact}; its messages are above`)
  const archive = join(folder, `keycloak-quarkus-dist-${KEYCLOAK_VERSION}.tar.gz`)
  if ((await run('tar', ['-xzf', archive, '-C', folder], quiet)) !== 0) fail(`${archive} cannot be unpacked`)
}

/** Settles what Keycloak settles at build time, the database among it, so that each start is a short one. */
async function build(folder: string): Promise<void> {
  say(`building Keycloak ${KEYCLOAK_VERSION}'s configuration (a minute, once) …`)
  const options = { stdio: ['ignore', 'ignore', 'inherit'] as ['ignore', 'ignore', 'inherit'] }
  if ((await run(join(folder, 'bin', 'kc.sh'), ['build', '--db=dev-file'], options)) !== 0)
    fail(`Keycloak ${KEYCLOAK_VERSION} could not be built; its messages are above`)
}

async function requireJava(): Promise<void> {
  const help = `Keycloak needs Java ${JAVA_AT_LEAST} or newer (Debian: apt-get install openjdk-17-jre-headless)`
  if (!(await which('java'))) fail(`${help}; there is none`)
  const { stderr } = spawnSync('java', ['-version'], { encoding: 'utf8' })
  const major = Number(/version "(\d+)/.exec(stderr)?.[1] ?? 0)
  if (major < JAVA_AT_LEAST) fail(`${help}; this is ${major}`)
}
