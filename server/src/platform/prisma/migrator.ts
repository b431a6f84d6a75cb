import { readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils'
import type pg from 'pg'
import { asAdapterFactory, MigrationAdapter } from './migration-adapter.ts'

/** The part of the global used here; the full types come only with the DOM's. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object
  Instance: new (module: object, imports: object) => { exports: Record<string, unknown> }
}

interface SchemaEngine {
  applyMigrations(params: object): Promise<{ appliedMigrationNames: string[] }>
}

/**
 * Applies missing migrations from `directory` and returns their names; `onWarning` receives warnings of migrations. It
 * runs Prisma's schema engine in this process like `prisma migrate deploy`, but without the engine binary that Prisma's
 * CLI downloads, and takes an advisory lock against concurrent servers. It relies on an internal interface of the
 * pinned `@prisma/schema-engine-wasm`, which the database specs verify.
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
  loaded[GLUE] ??= loadGlue()
  const glue = await loaded[GLUE]
  const factory = bindMigrationAwareSqlAdapterFactory(asAdapterFactory(adapter))
  return glue.SchemaEngine.new({ datamodels: undefined }, () => undefined, factory)
}

/**
 * The glue code supports one WebAssembly instance per process; a second one would break the first. Test projects evaluate this module
 * several times in one process, so the instance belongs to the process.
 */
const GLUE = Symbol.for('rollcall.schema-engine')
const loaded = globalThis as { [GLUE]?: Promise<EngineGlue> }

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
