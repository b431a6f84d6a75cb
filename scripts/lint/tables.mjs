import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ROOT } from '../setup.mjs'
import { filesOf } from './tools.mjs'

/** The one feature that writes a table. Others read it, ask that feature's service, or register a hook. */
const OWNERS = {
  access: ['api_key', 'app_user', 'one_time_link', 'user_identity', 'user_session'],
  agents: ['agent'],
  artifacts: ['release_key'],
  audit: ['audit_entry', 'audit_head', 'audit_start'],
  commands: ['command', 'output_chunk', 'terminal_input', 'terminal_writer'],
  heartbeats: ['heartbeat_profile', 'host_event', 'host_facts', 'host_sample', 'roll', 'server_lease'],
  hosts: ['fleet', 'host'],
  identities: ['server_identity'],
  images: ['image', 'image_blob', 'image_host', 'image_pull', 'image_variant', 'registry', 'registry_slot'],
  'master-key': ['master_key_check'],
  playbooks: [
    'playbook_collection',
    'playbook_collection_file',
    'playbook_collection_version',
    'playbook_command',
    'playbook_run',
  ],
  rotations: ['rotation'],
  runs: ['run'],
  'saved-commands': ['saved_command'],
  schedules: ['schedule', 'schedule_firing'],
  services: [
    'instance',
    'instance_event',
    'instance_port',
    'instance_volume',
    'placement',
    'service',
    'service_plan',
    'service_revision',
    'service_spare',
  ],
  secrets: ['secret', 'secret_version'],
  transfers: ['transfer', 'transfer_host'],
  upgrades: ['upgrade', 'upgrade_host'],
}

const STATEMENT = /\b(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+"?(\w+)"?/g
const CLIENT_CALL = /\.\s*(\w+)\s*\.\s*(?:create|update|upsert|delete)(?:Many|ManyAndReturn)?\s*\(/g

/** Tells whether a source file has queries whose rows are of any type. Those of `Sql` have unknown columns unless the caller declares them. */
export const hasUntypedSql = (text) => /\.pool\b|\$queryRaw(?!<)|\$\w+RawUnsafe/.test(text)

/** Returns the tables that a source file writes. `models` maps a model of the Prisma client to its table. */
export function writtenTables(text, models) {
  const tables = new Set(models.values())
  const bySql = [...text.matchAll(STATEMENT)].map((match) => match[1])
  const byClient = [...text.matchAll(CLIENT_CALL)].map((match) => models.get(match[1]))
  return [...new Set([...bySql, ...byClient])].filter((table) => tables.has(table)).sort()
}

/** Reads from the schema which model stands for which table. */
export function tablesOfModels(schema) {
  const models = [...schema.matchAll(/^model (\w+) \{(.*?)^\}/gms)]
  return new Map(
    models.map(([, name, body]) => [
      name.charAt(0).toLowerCase() + name.slice(1),
      /@@map\("(\w+)"\)/.exec(body)?.[1] ?? name.toLowerCase(),
    ]),
  )
}

/** Finds writes of a table by a feature that does not own it, and untyped SQL and domain types of repositories. Resolves to what is wrong, or null. */
export async function checkTables() {
  const models = tablesOfModels(await readFile(join(ROOT, 'prisma/schema.prisma'), 'utf8'))
  const ownerOf = new Map(Object.entries(OWNERS).flatMap(([owner, tables]) => tables.map((t) => [t, owner])))
  const wrong = [...new Set(models.values())]
    .filter((table) => !ownerOf.has(table))
    .map((table) => `prisma/schema.prisma: the table ${table} has no owner in scripts/lint/tables.mjs`)
  for (const file of await filesOf(['server/src/*.ts'])) {
    const [feature] = file.slice('server/src/'.length).split('/')
    if (/\.spec\.ts$|\/testing\/|\/generated\/|^server\/src\/platform\//.test(file)) continue
    const text = await readFile(join(ROOT, file), 'utf8')
    if (/\.repository\.ts$/.test(file) && /^export interface /m.test(text))
      wrong.push(`${file}: exports a type of the domain, which belongs into the feature's domain/`)
    if (hasUntypedSql(text))
      wrong.push(`${file}: SQL goes by query<Row>, first<Row> and their like of \`Sql\``)
    for (const table of writtenTables(text, models)) {
      const owner = ownerOf.get(table)
      // The master key's rotation seals the secrets of every table anew.
      if (owner !== feature && feature !== 'master-key')
        wrong.push(
          `${file}: writes the table ${table}, which ${owner} owns: ask its service or register a hook`,
        )
    }
  }
  return wrong.length > 0 ? wrong.join('\n') : null
}
