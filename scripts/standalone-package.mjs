import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { nearest } from './lockfile.ts'

/**
 * Writes a package.json and a package-lock.json beside bundles, so that `npm ci` there installs exactly the versions of this
 * repository's own lockfile: the named packages and what they depend on, optional platform packages included.
 * @param {string} root repository folder, holding package-lock.json
 * @param {string} folder where the two files go
 * @param {readonly string[]} names packages that the bundles leave out; one that the lockfile does not hold is left out too
 */
export async function writeStandalonePackage(root, folder, names) {
  const lock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8'))
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const present = names.filter((name) => lock.packages[`node_modules/${name}`])
  const packages = reachable(lock.packages, present)
  const own = {
    name: 'gatehouse-companion',
    version: manifest.version,
    license: manifest.license,
    private: true,
    type: 'module',
    bin: { gatehouse: 'packages/cli/main.js' },
    scripts: { start: 'node packages/cli/main.js up', gatehouse: 'node packages/cli/main.js' },
    engines: { node: '>=24' },
    // npm then says so and stops, where for `engines` alone it only warns.
    devEngines: { runtime: { name: 'node', version: '>=24', onFail: 'error' } },
    dependencies: Object.fromEntries(present.map((name) => [name, lock.packages[`node_modules/${name}`].version])),
  }
  const allowScripts = Object.entries(packages).flatMap(([path, { hasInstallScript }]) =>
    hasInstallScript ? [[path.slice('node_modules/'.length), true]] : [],
  )
  await mkdir(folder, { recursive: true })
  await writeFile(
    join(folder, 'package.json'),
    `${JSON.stringify({ ...own, allowScripts: Object.fromEntries(allowScripts) }, null, 2)}\n`,
  )
  const { type: _type, private: _private, scripts: _scripts, devEngines: _devEngines, ...locked } = own
  const text = {
    name: own.name,
    version: own.version,
    lockfileVersion: 3,
    requires: true,
    packages: { '': locked, ...packages },
  }
  await writeFile(join(folder, 'package-lock.json'), `${JSON.stringify(text, null, 2)}\n`)
}

/** The lock entries of `names` and of everything they need, keyed by path and sorted as npm does. */
function reachable(packages, names) {
  const found = new Map()
  const queue = names.map((name) => ['', name])
  for (const [from, name] of queue) {
    const path = nearest(packages, from, name)
    if (path === undefined || found.has(path)) continue
    const { dev: _dev, extraneous: _extraneous, ...entry } = packages[path]
    found.set(path, entry)
    const needs = { ...entry.dependencies, ...entry.optionalDependencies, ...entry.peerDependencies }
    for (const need of Object.keys(needs)) queue.push([path, need])
  }
  return Object.fromEntries([...found].sort(([a], [b]) => (a < b ? -1 : 1)))
}
