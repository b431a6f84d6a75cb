import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    name: 'web',
    include: ['src/**/*.spec.{ts,tsx}'],
    testTimeout: 15_000,
    expect: { poll: { timeout: 10_000 } },
    isolate: false,
    maxWorkers: 3,
  },
})
