import { defineConfig } from 'vitest/config'
import { UNITS } from '../scripts/test-groups.mjs'

export default defineConfig({
  test: { name: 'inventory', include: ['src/**/*.spec.ts'], ...UNITS },
})
