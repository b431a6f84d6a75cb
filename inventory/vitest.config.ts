import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: { name: 'inventory', include: ['src/**/*.spec.ts'], isolate: false, maxWorkers: 3 },
})
