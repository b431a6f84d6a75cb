import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    name: 'compose',
    include: ['src/**/*.spec.ts'],
    isolate: false,
    maxWorkers: 2,
    testTimeout: 60_000,
  },
})
