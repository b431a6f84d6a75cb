import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    name: 'compose',
    include: ['src/**/*.spec.ts'],
    isolate: false,
    maxWorkers: 3,
    testTimeout: 60_000,
  },
})
