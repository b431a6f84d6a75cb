import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EarlierDatabase } from '../testing/earlier-database.ts'
import { MIGRATIONS } from '../testing/template-database.ts'
import { TestDatabase } from '../testing/test-database.ts'
import { applyMigrations } from './migrator.ts'

const NAME = 'names_are_no_ids'

let test: TestDatabase
let earlier: EarlierDatabase
let client: pg.Client
let connection: pg.PoolConfig

beforeAll(async () => {
  test = await TestDatabase.open()
  earlier = await EarlierDatabase.open(test, NAME)
  client = earlier.client
  connection = earlier.connection
})
afterAll(async () => {
  await earlier?.[Symbol.asyncDispose]()
  await test?.close()
})

const addHost = (id: string, name: string) =>
  client.query(
    `INSERT INTO host (id, name, address, ssh_port, ssh_user, labels, credential, state, state_since, created_at)
     VALUES ($1, $2, 'a', 22, 'root', '{}', '', 'online', now(), now())`,
    [id, name],
  )
const one = async (sql: string, values: unknown[] = []) => (await client.query(sql, values)).rows[0]

describe('the migration to names that are no ids', () => {
  it('renames what is named like an id, with all that refers to it by name, warns of each, and lets none come again', async () => {
    const [victim, attacker, plain] = [randomUUID(), randomUUID(), randomUUID()]
    const named = randomUUID()
    await addHost(victim, 'victim')
    await addHost(attacker, victim)
    await addHost(plain, `host-${victim}`)
    const target = JSON.stringify({ hosts: ['victim', victim, attacker] })
    await client.query(
      `INSERT INTO saved_command (id, name, description, program, args, env, cwd, timeout_ms, start_within_ms, target, created_by, created_at, updated_at)
       VALUES ($1, $2, '', 'true', '[]', '', '/', 1, 1, $3, 'x', now(), now())`,
      [randomUUID(), named.toUpperCase(), target],
    )
    await client.query(
      `INSERT INTO schedule (id, name, description, cron, time_zone, target, overlap, grace_ms, is_enabled, created_by, created_at, updated_at)
       VALUES ($1, $2, '', '* * * * *', 'UTC', $3, 'skip', 1, false, 'x', now(), now())`,
      [randomUUID(), named, target],
    )
    await client.query('UPDATE host SET labels = \'{"profile": "kept"}\' WHERE id = $1', [plain])
    await client.query('INSERT INTO heartbeat_profile (name, min_ms, max_ms) VALUES ($1, 1000, 1000)', [
      named,
    ])
    await client.query('UPDATE host SET heartbeat_profile = $1 WHERE id = $2', [named, plain])
    await client.query('INSERT INTO playbook_collection VALUES ($1, $2)', [named, 'v'])
    await client.query(
      `INSERT INTO playbook_collection_version (name, version, source, playbooks, file_count, bytes, added_by, added_at)
       VALUES ($1, 'v', '{}', $2, 0, 0, 'x', now())`,
      [named, JSON.stringify([{ name: `${named}/site` }, { name: `${named}/other` }])],
    )
    await client.query(
      "INSERT INTO api_key (id, name, kind, hash, created_at) VALUES ($1, $2, 'key', 'h', now())",
      [randomUUID(), named],
    )

    const warnings: string[] = []
    const applied = await applyMigrations(connection, MIGRATIONS, (warning) => warnings.push(warning))
    expect(applied.some((name) => name.endsWith(NAME))).toBe(true)

    const host = `host-${victim}-2`
    expect(await one('SELECT name FROM host WHERE id = $1', [attacker])).toEqual({ name: host })
    expect(await one('SELECT name FROM host WHERE id = $1', [victim])).toEqual({ name: 'victim' })
    expect(await one('SELECT heartbeat_profile AS profile FROM host WHERE id = $1', [plain])).toEqual({
      profile: `profile-${named}`,
    })
    // What was a name stays that of the same host; what was an id stays an id.
    const moved = { hosts: ['victim', host, attacker] }
    expect(await one('SELECT name, target FROM saved_command')).toEqual({
      name: `saved-command-${named}`,
      target: moved,
    })
    expect(await one('SELECT name, target FROM schedule')).toEqual({
      name: `schedule-${named}`,
      target: moved,
    })
    expect(await one('SELECT name, playbooks FROM playbook_collection_version')).toEqual({
      name: `collection-${named}`,
      playbooks: [{ name: `collection-${named}/site` }, { name: `collection-${named}/other` }],
    })
    expect(await one('SELECT name FROM api_key')).toEqual({ name: `key-${named}` })
    expect(warnings.filter((warning) => warning.includes('may not have the form of an id'))).toHaveLength(6)
    expect(warnings[0]).toBe(
      `The host named ${victim} is called ${host} from now on: a name may not have the form of an id.`,
    )
    await expect(addHost(randomUUID(), randomUUID().toUpperCase())).rejects.toThrow('host_name_is_no_id')
  })
})
