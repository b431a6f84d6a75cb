import { join } from 'node:path'
import { readConfig } from '../platform/config/config.ts'
import { DataDir } from '../platform/config/data-dir.ts'
import { PasswordHasher } from '../platform/crypto/password-hasher.ts'
import { Sealer } from '../platform/crypto/sealer.ts'
import type { Logger } from '../platform/log.ts'
import type { Platform } from '../platform/platform.module.ts'
import type { TestDatabase } from '../platform/testing/test-database.ts'

const FILES_BYTES = 2 ** 28
/** Specs that sign in a hundred times are not about what a guess costs: that is password-hasher.spec.ts. */
const CHEAP = { N: 2 ** 10, r: 8, p: 1 }

/** Opens the platform of a server; everything is real but the queue, which drops its jobs. */
export async function testPlatform(
  test: TestDatabase,
  folder: string,
  log: Logger,
  { isQueueUp = true } = {},
) {
  const sealer = new Sealer(Buffer.alloc(32, 1))
  return {
    version: '0.0.0',
    config: readConfig({
      ROLLCALL_DATA_DIR: join(folder, 'data'),
      ROLLCALL_AGENT_FOLDER: join(folder, 'agents'),
      ROLLCALL_FILES_BYTES: String(FILES_BYTES),
      ROLLCALL_IMAGES_BYTES: String(FILES_BYTES),
      ROLLCALL_ANSIBLE_BUNDLE: join(folder, 'ansible.tar.gz'),
      // The addresses of the specs' own hosts.
      ROLLCALL_ALLOWED_ADDRESSES: '127.0.0.0/8,::1',
    }),
    log,
    dataDir: await DataDir.open(join(folder, 'data')),
    sealer,
    passwords: new PasswordHasher(CHEAP),
    database: test.database,
    queue: {
      add: async () => undefined,
      process: async () => undefined,
      depth: async () => ({ waiting: 0, active: 0 }),
      isUp: async () => isQueueUp,
      close: async () => undefined,
    },
  } satisfies Platform
}
