import { defineConfig } from 'vitest/config'
import { UNITS } from '../scripts/test-groups.mjs'

export default defineConfig({
  test: {
    name: 'cli',
    include: ['src/**/*.spec.ts', 'test/**/*.spec.ts'],
    globalSetup: ['test/build.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    ...UNITS,
  },
})
