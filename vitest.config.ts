import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import swc from 'unplugin-swc'
import { defineConfig } from 'vitest/config'
import { BY_THE_CLOCK, UNITS } from './scripts/test-groups.mjs'
import { LongestFirst } from './test/longest-first.ts'

const HOST_TEST_TIMEOUT_MS = 300_000
/** A busy machine takes its time. */
const PATIENT = { timeout: 15_000 }
const ON_HOSTS = {
  testTimeout: HOST_TEST_TIMEOUT_MS,
  hookTimeout: HOST_TEST_TIMEOUT_MS,
  expect: { poll: PATIENT },
  // What each server and each installation would otherwise make anew, once for the whole run.
  env: { ROLLCALL_TEST_SHARED: join(tmpdir(), `rollcall-tests-${process.pid}-${randomUUID()}`) },
  globalSetup: ['server/src/testing/prepared-database.ts', 'server/src/testing/prepared-host.ts'],
}

/**
 * Unit tests first and side by side; then what boots hosts, three files at a time, since they wait more than they work; then what goes by
 * the clock, two at a time, which leaves the machine idle for half of it.
 */
export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      { test: { name: 'contracts', include: ['contracts/src/**/*.spec.ts'], ...UNITS } },
      'agent/vitest.config.ts',
      'cli/vitest.config.ts',
      'inventory/vitest.config.ts',
      'compose/vitest.config.ts',
      'web/vitest.config.ts',
      { test: { name: 'scripts', include: ['scripts/**/*.spec.ts'], ...UNITS } },
      {
        plugins: [swc.vite({ module: { type: 'es6' } })],
        test: {
          name: 'server',
          include: ['server/src/**/*.spec.ts'],
          exclude: ['**/*.db.spec.ts'],
          testTimeout: PATIENT.timeout,
          ...UNITS,
        },
      },
      {
        plugins: [swc.vite({ module: { type: 'es6' } })],
        test: {
          name: 'database',
          include: ['server/src/**/*.db.spec.ts'],
          testTimeout: 120_000,
          expect: { poll: PATIENT },
          hookTimeout: 60_000,
          globalSetup: ['server/src/testing/shared-postgres.ts'],
          // What takes longest is to load the server, which a worker does once.
          isolate: false,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'hosts',
          include: ['test/**/*.spec.ts'],
          exclude: BY_THE_CLOCK,
          ...ON_HOSTS,
          maxWorkers: 3,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'clock',
          include: BY_THE_CLOCK,
          ...ON_HOSTS,
          maxWorkers: 2,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
})
