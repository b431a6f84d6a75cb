import { defineConfig } from 'vitest/config'
import { UNITS } from '../scripts/test-groups.mjs'

export default defineConfig({
  test: {
    name: 'compose',
    include: ['src/**/*.spec.ts'],
    ...UNITS,
    testTimeout: 60_000,
  },
})
