import { readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils'
import type pg from 'pg'
import { asAdapterFactory, MigrationAdapter } from './migration-adapter.ts'

/** The part of the global that is used here; the full types come only with the DOM's. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object
  Instance: new (module: object, imports: object) => { exports: Record<string, unknown> }
}

interface SchemaEngine {
  applyMigrations(params: object): Promise<{ appliedMigrationNames: string[] }>
}

/**
 * Applies the migrations under `directory` that the database lacks, and returns their names. `onWarning` is told what a migration
 * warns of, such as something of a user's that it has renamed.
 *
 * It runs Prisma's own schema engine in this process, as `prisma migrate deploy` would, but without the engine binary
 * that Prisma's CLI fetches from a host many networks cannot reach. The table `_prisma_migrations` stays what that
 * CLI expects. Two servers may start at once: the engine takes an advisory lock.
 *
 * It leans on an internal interface of exactly the pinned `@prisma/schema-engine-wasm`; the database specs prove it.
 */
export async function applyMigrations(
  connection: pg.PoolConfig,
  directory: string,
  onWarning: (message: string) => void = () => undefined,
): Promise<string[]> {
  const adapter = new MigrationAdapter(connection, onWarning)
  try {
    const engine = await openSchemaEngine(adapter)
    const { appliedMigrationNames } = await engine.applyMigrations({
      migrationsList: {
        baseDir: directory,
        lockfile: {
          path: 'migration_lock.toml',
          content: await readFile(join(directory, 'migration_lock.toml'), 'utf8'),
        },
        shadowDbInitScript: '',
        migrationDirectories: await readMigrations(directory),
      },
      filters: { externalTables: [], externalEnums: [] },
    })
    return appliedMigrationNames
  } finally {
    await adapter.close()
  }
}

async function readMigrations(directory: string) {
  const entries = await readdir(directory, { withFileTypes: true })
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  return Promise.all(
    names.sort().map(async (name) => ({
      path: name,
      migrationFile: {
        path: 'migration.sql',
        content: { tag: 'ok', value: await readFile(join(directory, name, 'migration.sql'), 'utf8') },
      },
    })),
  )
}

interface EngineGlue {
  SchemaEngine: { new: (options: object, log: () => void, adapters: object) => Promise<SchemaEngine> }
  __wbg_set_wasm(exports: object): void
}

async function openSchemaEngine(adapter: MigrationAdapter): Promise<SchemaEngine> {
  loadedGlue ??= loadGlue()
  const glue = await loadedGlue
  const factory = bindMigrationAwareSqlAdapterFactory(asAdapterFactory(adapter))
  return glue.SchemaEngine.new({ datamodels: undefined }, () => undefined, factory)
}

/** The glue code holds one WebAssembly instance for the whole process: a second one breaks what the first began. */
let loadedGlue: Promise<EngineGlue> | undefined

async function loadGlue(): Promise<EngineGlue> {
  const entry = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm')
  const moduleName = '@prisma/schema-engine-wasm/schema_engine_bg'
  const glue = (await import(moduleName)) as EngineGlue
  const wasm = await readFile(entry.replace(/schema_engine\.js$/, 'schema_engine_bg.wasm'))
  const instance = new WebAssembly.Instance(new WebAssembly.Module(wasm), { './schema_engine_bg.js': glue })
  glue.__wbg_set_wasm(instance.exports)
  ;(instance.exports.__wbindgen_start as () => void)()
  return glue
}
