import { defineConfig } from 'vitest/config'
import base from './vitest.config.ts'

/** Suites that drive a real VS Code: one file at a time, for each has an editor and a browser of its own. */
export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: ['test/e2e/**/*.test.ts'],
    exclude: [],
    globalSetup: [],
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 240_000,
    bail: 0,
  },
})
