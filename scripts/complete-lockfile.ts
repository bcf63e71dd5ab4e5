// `node scripts/complete-lockfile.ts`, after an `npm install`: npm leaves out of the lockfile those optional platform packages that its
// registry does not answer for, and then `npm ci` refuses the lockfile that npm wrote. This adds them, by version and platform; npm skips
// an optional package that is for another platform, and asks the registry for the rest.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type LockedPackage, missingPackages } from './lockfile.ts'
import { fail, root, say } from './process.ts'

const PLATFORM = /-(android|darwin|freebsd|linux|openharmony|win32)-(arm64|arm|ia32|ppc64|riscv64|s390x|x64)/

const file = join(root, 'package-lock.json')
const lock = JSON.parse(await readFile(file, 'utf8')) as { packages: Record<string, LockedPackage> }
for (const { name, version, wanting } of missingPackages(lock.packages)) {
  const [, os, cpu] = PLATFORM.exec(name) ?? []
  if (!os || !/^\d/.test(version)) fail(`${name}@${version} is no exact platform package: install it by name`)
  const libc = name.includes('musl') ? ['musl'] : name.includes('gnu') ? ['glibc'] : undefined
  const { dev, license } = wanting
  const entry = { version, cpu: [cpu], dev, libc, license, optional: true, os: [os] }
  lock.packages[`node_modules/${name}`] = entry as LockedPackage
  say(`added ${name} ${version}`)
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en')))
await writeFile(file, `${JSON.stringify(lock, null, 2)}\n`)
