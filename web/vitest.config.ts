import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: { name: 'web', include: ['src/**/*.spec.ts'], isolate: false, maxWorkers: 2 },
})
