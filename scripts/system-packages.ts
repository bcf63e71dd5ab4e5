import { readFile } from 'node:fs/promises'
import { fail, run, say, which } from './process.ts'

/** What the browser-served editor is built with (its native modules) and shown in. Debian package by the program or file that shows it is there. */
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
  const missing: string[] = []
  for (const name of wanted) if (!(await installed(name))) missing.push(name)
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

async function installed(name: string): Promise<boolean> {
  const list = await readFile('/var/lib/dpkg/status', 'utf8').catch(() => '')
  return (
    list.includes(`\nPackage: ${name}\nStatus: install ok installed\n`) ||
    list.startsWith(`Package: ${name}\nStatus: install ok installed\n`)
  )
}
