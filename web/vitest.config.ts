import { defineConfig } from 'vitest/config'
import { UNITS } from '../scripts/test-groups.mjs'

export default defineConfig({
  test: {
    name: 'web',
    include: ['src/**/*.spec.{ts,tsx}'],
    testTimeout: 15_000,
    expect: { poll: { timeout: 10_000 } },
    ...UNITS,
  },
})
