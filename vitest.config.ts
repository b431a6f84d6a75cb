import swc from 'unplugin-swc'
import { defineConfig } from 'vitest/config'

const HOST_TEST_TIMEOUT_MS = 300_000
/** A busy machine takes its time. */
const PATIENT = { timeout: 15_000 }

/** Unit tests first and side by side; then what boots hosts, two files at a time: they wait more than they work. */
export default defineConfig({
  test: {
    projects: [
      'agent/vitest.config.ts',
      'cli/vitest.config.ts',
      'web/vitest.config.ts',
      {
        plugins: [swc.vite({ module: { type: 'es6' } })],
        test: {
          name: 'server',
          include: ['server/src/**/*.spec.ts'],
          exclude: ['**/*.db.spec.ts'],
        },
      },
      {
        plugins: [swc.vite({ module: { type: 'es6' } })],
        test: {
          name: 'database',
          include: ['server/src/**/*.db.spec.ts'],
          testTimeout: 60_000,
          expect: { poll: PATIENT },
          hookTimeout: 60_000,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'hosts',
          include: ['test/**/*.spec.ts'],
          testTimeout: HOST_TEST_TIMEOUT_MS,
          expect: { poll: PATIENT },
          hookTimeout: HOST_TEST_TIMEOUT_MS,
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
