import { transform } from 'esbuild'
import { defineConfig, type Plugin } from 'vitest/config'

/** vitest's own transform leaves standard decorators as they are, which Node cannot parse yet: esbuild lowers them first. */
function lowerDecorators(): Plugin {
  return {
    name: 'lower-decorators',
    enforce: 'pre',
    async transform(code, id) {
      if (!/\.ts$/.test(id) || id.includes('/node_modules/')) return null
      const result = await transform(code, { loader: 'ts', target: 'es2022', sourcefile: id, sourcemap: true })
      return { code: result.code, map: result.map }
    },
  }
}

export default defineConfig({
  plugins: [lowerDecorators()],
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/vscode/**', 'test/e2e/**', 'test/engines/**', '**/node_modules/**'],
    globalSetup: ['test/support/postgres-global.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    // It is written for bundlers: its imports have no extension, which Node does not load.
    server: { deps: { inline: ['dt-sql-parser'] } },
  },
})
