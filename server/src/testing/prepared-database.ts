import { existsSync } from 'node:fs'
import { chmod, mkdir, rename, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import pino from 'pino'
import type { TestProject } from 'vitest/node'
import { EmbeddedPostgres } from '../platform/postgres/embedded-postgres.ts'
import { Database } from '../platform/prisma/database.ts'
import { MIGRATIONS } from '../platform/testing/template-database.ts'
import { sharedFolder } from './shared-folder.ts'

/**
 * Prepares an embedded database, initialised and migrated, that servers in tests copy instead of making their own each. Returns a
 * function that removes it.
 */
export default async function prepareDatabase(project: TestProject): Promise<() => Promise<void>> {
  const { folder: shared, remove } = sharedFolder(project)
  const prepared = join(shared, 'postgres')
  if (existsSync(prepared)) return remove
  const folder = join(shared, 'unfinished-postgres')
  await mkdir(shared, { recursive: true })
  // As root the database runs under an account of its own, which has to pass.
  await chmod(shared, 0o711)
  const log = pino({ level: 'silent' })
  const postgres = new EmbeddedPostgres(folder, log)
  try {
    const database = await Database.open(await postgres.start(), MIGRATIONS, log)
    await database.close()
  } catch (error) {
    await postgres.stop()
    await remove()
    throw error
  }
  await postgres.stop()
  // The programs are not copied: each copy has a link to them.
  await rename(join(folder, 'bin'), join(shared, 'bin'))
  await symlink(join(shared, 'bin'), join(folder, 'bin'))
  await rename(folder, prepared)
  return remove
}
