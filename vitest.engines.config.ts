import { defineConfig } from 'vitest/config'
import base from './vitest.config.ts'

/** Suites against big real systems, one at a time; see scripts/engines.ts. */
export default defineConfig({
  ...base,
  test: { ...base.test, include: ['test/engines/**/*.test.ts'], exclude: [], globalSetup: [], testTimeout: 300_000 },
})
