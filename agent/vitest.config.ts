import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { UNITS } from '../scripts/test-groups.mjs'

const contracts = (path: string) => fileURLToPath(new URL(`../contracts/src/${path}`, import.meta.url))

export default defineConfig({
  resolve: {
    alias: [
      { find: /^@rollcall\/contracts\/agent$/, replacement: contracts('agent/index.ts') },
      { find: /^@rollcall\/contracts$/, replacement: contracts('index.ts') },
    ],
  },
  test: {
    include: ['src/**/*.spec.ts', 'test/**/*.spec.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    ...UNITS,
    // A busy machine takes its time.
    expect: { poll: { timeout: 15_000 } },
  },
})
