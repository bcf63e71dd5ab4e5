import { readFile } from 'node:fs/promises'
import { fail, run, say, which } from './process.ts'

/** What the browser-served editor is built with (its native modules) and shown in. Debian packages. */
const EDITOR_BUILD = [
  'g++',
  'make',
  'python3',
  'pkg-config',
  'libkrb5-dev',
  'libsecret-1-dev',
  'libx11-dev',
  'libxkbfile-dev',
]
const BROWSER = ['chromium', 'fonts-dejavu-core']

export type Purpose = 'editor' | 'browser' | 'keyring'
const packagesFor: Record<Purpose, readonly string[]> = {
  editor: EDITOR_BUILD,
  browser: BROWSER,
  keyring: ['dbus', 'gnome-keyring', 'libsecret-1-0'],
}

/** Installs the Debian packages on Debian or Ubuntu as root; elsewhere says exactly what is missing and ends. */
export async function ensureSystemPackages(...purposes: Purpose[]): Promise<void> {
  const wanted = purposes.flatMap((purpose) => packagesFor[purpose])
  if (!(await which('dpkg-query'))) return ensurePrograms(purposes)
  const installed = await installedPackages()
  const missing = wanted.filter((name) => !installed.has(name))
  if (missing.length === 0) return
  if (process.getuid?.() !== 0) {
    fail(`missing system packages: ${missing.join(' ')}. Install them with: sudo apt-get install ${missing.join(' ')}`)
  }
  say(`installing system packages: ${missing.join(' ')} …`)
  const quiet = {
    stdio: ['ignore', 'ignore', 'inherit'] as ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  }
  await run('apt-get', ['update', '-qq'], quiet)
  const status = await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], quiet)
  if (status !== 0) fail(`apt-get could not install ${missing.join(' ')}`)
}

async function ensurePrograms(purposes: readonly Purpose[]): Promise<void> {
  const programs = purposes.includes('browser') ? ['chromium'] : []
  if (purposes.includes('editor')) programs.push('make', 'python3', 'g++')
  const missing: string[] = []
  for (const program of programs) if (!(await which(program))) missing.push(program)
  if (missing.length > 0) fail(`missing programs: ${missing.join(', ')}. Install them and try again`)
}

/** dpkg writes each package's status right below its name. */
async function installedPackages(): Promise<ReadonlySet<string>> {
  const list = await readFile('/var/lib/dpkg/status', 'utf8').catch(() => '')
  return new Set([...list.matchAll(/^Package: (.+)\nStatus: install ok installed$/gm)].map(([, name]) => name ?? ''))
}
