#!/usr/bin/env node
// Speaks the stdio protocol of Prisma's schema engine with the engine's WebAssembly build, for `prisma migrate …` on a
// machine that cannot fetch the engine binary: PRISMA_SCHEMA_ENGINE_BINARY=prisma/engine/schema-engine.mjs.
// Development only; the server applies migrations in its own process.
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils'
import pg from 'pg'
import connectionString from 'pg-connection-string'
import { asAdapterFactory, MigrationAdapter } from '../../server/dist/platform/prisma/migration-adapter.js'

const argv = process.argv.slice(2)
const option = (name) => (argv.includes(name) ? argv[argv.indexOf(name) + 1] : undefined)
const options = (name) => argv.flatMap((word, i) => (word === name ? [argv[i + 1]] : []))
const datasource = option('--datasource') ? JSON.parse(option('--datasource')) : {}
const connection = connectionString.parse(
  datasource.url ?? process.env.DATABASE_URL ?? 'postgresql://localhost/postgres',
)
const logLine = (level, fields) =>
  process.stderr.write(
    `${JSON.stringify({ level, timestamp: new Date().toISOString(), fields, target: 'schema_engine::logger' })}\n`,
  )

if (argv.includes('--version')) {
  console.log('schema-engine-cli wasm')
} else if (argv.includes('cli')) {
  await runCli(argv[argv.indexOf('cli') + 1])
} else {
  await serve()
}

async function runCli(command) {
  logLine('INFO', { message: 'start' }) // Prisma drops the first line
  const client = new pg.Client(
    command === 'create-database' ? { ...connection, database: 'postgres' } : connection,
  )
  try {
    await client.connect()
    if (command === 'create-database')
      await client.query(`CREATE DATABASE ${client.escapeIdentifier(connection.database)}`)
    await client.end()
    console.log(command === 'create-database' ? 'Database created.' : 'Connection successful')
  } catch (error) {
    const code = { '3D000': 'P1003', '28P01': 'P1000', '42P04': 'P1009' }[error.code] ?? 'P1001'
    logLine('ERROR', { is_panic: false, error_code: code, message: String(error.message) })
    process.exitCode = 1
  }
}

async function serve() {
  const engine = await loadEngine()
  for await (const line of createInterface({ input: process.stdin })) {
    const { id, method, params } = line.trim() ? JSON.parse(line) : {}
    if (!method) continue // an answer to our own 'print'
    const send = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message, id })}\n`)
    try {
      const result = await engine[method === 'getDatabaseVersion' ? 'version' : method](
        Array.isArray(params) ? params[0] : params,
      )
      if (method === 'diff' && result.stdout != null)
        process.stdout.write(
          `${JSON.stringify({ jsonrpc: '2.0', id: 900000, method: 'print', params: { content: result.stdout } })}\n`,
        )
      send({ result: result ?? {} })
    } catch (error) {
      const message = error?.message ?? String(error)
      send({
        error: {
          code: 4466,
          message: 'An error happened.',
          data: { is_panic: false, message, error_code: error?.code, meta: error?.meta ?? {} },
        },
      })
    }
  }
  process.exit(0)
}

async function loadEngine() {
  const entry = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm')
  const glue = await import('@prisma/schema-engine-wasm/schema_engine_bg')
  const wasm = await readFile(entry.replace(/schema_engine\.js$/, 'schema_engine_bg.wasm'))
  const instance = new WebAssembly.Instance(new WebAssembly.Module(wasm), { './schema_engine_bg.js': glue })
  glue.__wbg_set_wasm(instance.exports)
  instance.exports.__wbindgen_start()
  const datamodels = []
  for (const file of options('--datamodels')) datamodels.push([file, await readFile(file, 'utf8')])
  const factory = bindMigrationAwareSqlAdapterFactory(asAdapterFactory(new MigrationAdapter(connection)))
  return glue.SchemaEngine.new(
    { datamodels: datamodels.length ? datamodels : undefined },
    () => undefined,
    factory,
  )
}
