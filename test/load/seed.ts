import { createCipheriv, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { HostState } from '@rollcall/contracts/admin'
import pg from 'pg'
import { connectToEmbedded } from '../fleet/embedded-database.ts'
import type { ServerProcess } from '../fleet/server-process.ts'
import type { LoadAgent } from './agents.ts'

const ROWS_PER_STATEMENT = 2000

export interface Seeding {
  state: HostState
  /** Since when, and when it answered last; now when it is left out. */
  at?: Date
}

/** The database and the master key of a server, for tests that bring in hosts without SSH. */
export class ServerData implements AsyncDisposable {
  readonly #database: pg.Client
  readonly #masterKey: Buffer

  private constructor(database: pg.Client, masterKey: Buffer) {
    this.#database = database
    this.#masterKey = masterKey
  }

  /** Opens the data of a server that has been started once; it may go on running. */
  static async open({ dataDir, options }: ServerProcess): Promise<ServerData> {
    const database = await (options.databaseUrl ? connectTo(options.databaseUrl) : connectToEmbedded(dataDir))
    const key = options.env?.ROLLCALL_MASTER_KEY ?? (await readFile(join(dataDir, 'master-key'), 'utf8'))
    return new ServerData(database, Buffer.from(key.trim(), 'base64'))
  }

  /** Returns the pin of the servers' certificate, which agents have to accept. */
  async serverPin(): Promise<string> {
    const [row] = await this.query<{ pin: string }>('SELECT pin FROM server_identity')
    if (!row) throw new Error('the server has no identity yet: start it once')
    return row.pin
  }

  async query<Row extends pg.QueryResultRow>(sql: string, values: unknown[] = []): Promise<Row[]> {
    return (await this.#database.query<Row>(sql, values)).rows
  }

  /**
   * Adds agents as if the server had installed them, all or none. Columns that it does not name get their defaults, and
   * each further table with one row for each host or agent gets that row.
   */
  async seed(agents: readonly LoadAgent[], { state, at = new Date() }: Seeding): Promise<void> {
    await this.#database.query('BEGIN')
    try {
      const companions = await this.#companions()
      for (let from = 0; from < agents.length; from += ROWS_PER_STATEMENT) {
        const some = agents.slice(from, from + ROWS_PER_STATEMENT)
        await this.#insertHosts(some, state, at)
        await this.#insertAgents(some, at)
        for (const { table, column } of companions) {
          const ids = [some.map(({ hostId }) => hostId)]
          const rows = 'SELECT unnest($1::uuid[]) ON CONFLICT DO NOTHING'
          await this.#database.query(`INSERT INTO ${table} (${column}) ${rows}`, ids)
        }
      }
      await this.#database.query('COMMIT')
    } catch (error) {
      await this.#database.query('ROLLBACK')
      throw error
    }
    // As autovacuum would a little later: without it the first minutes are planned for an empty table.
    await this.#database.query('ANALYZE')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#database.end()
  }

  async #insertHosts(agents: readonly LoadAgent[], state: HostState, at: Date): Promise<void> {
    await this.#database.query(
      `INSERT INTO host (id, name, address, labels, credential, ssh_port, ssh_user, state, state_since, created_at)
       SELECT id, name, address, labels::jsonb, credential, 22, 'root', $6, $7, $7
       FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bytea[])
         AS row (id, name, address, labels, credential)`,
      [
        agents.map(({ hostId }) => hostId),
        agents.map(({ name }) => name),
        agents.map(({ address }) => address),
        agents.map(({ labels }) => JSON.stringify(labels)),
        agents.map(({ hostId }) => this.#seal(NO_CREDENTIAL, `host/${hostId}/credential`)),
        state,
        at,
      ],
    )
  }

  async #insertAgents(agents: readonly LoadAgent[], at: Date): Promise<void> {
    const sealed = (part: 'token' | 'secret-key' | 'private-key', plain: (agent: LoadAgent) => string) =>
      agents.map((agent) => this.#seal(plain(agent), `agent/${agent.hostId}/${part}`))
    await this.#database.query(
      `INSERT INTO agent (host_id, rpc_port, rpc_path, token, secret_key, certificate, private_key, certificate_pin,
         server_pin, version, architecture, installed_at)
       SELECT row.*, $10, '0.1.0', 'x86_64', $9
       FROM unnest($1::uuid[], $2::int[], $3::text[], $4::bytea[], $5::bytea[], $6::text[], $7::bytea[], $8::text[]) AS row`,
      [
        agents.map(({ hostId }) => hostId),
        agents.map(({ port }) => port),
        agents.map(({ path }) => path),
        sealed('token', ({ token }) => token),
        sealed('secret-key', ({ secretKey }) => secretKey),
        agents.map(({ identity }) => identity.certificate),
        sealed('private-key', ({ identity }) => identity.privateKey),
        agents.map(({ identity }) => identity.pin),
        at,
        await this.serverPin(),
      ],
    )
  }

  /**
   * Tables other than `agent` whose primary key is one column that refers to `host` or `agent`, and that a row can be put
   * into by that alone.
   */
  #companions(): Promise<{ table: string; column: string }[]> {
    return this.query(
      `SELECT own.conrelid::regclass::text AS table, quote_ident(attname) AS column
       FROM pg_constraint own
       JOIN pg_constraint reference ON reference.conrelid = own.conrelid AND reference.conkey = own.conkey
       JOIN pg_attribute ON attrelid = own.conrelid AND attnum = own.conkey[1]
       WHERE own.contype = 'p' AND reference.contype = 'f' AND cardinality(own.conkey) = 1
         AND reference.confrelid IN ('host'::regclass, 'agent'::regclass) AND own.conrelid <> 'agent'::regclass
         AND NOT EXISTS (SELECT FROM pg_attribute other WHERE other.attrelid = own.conrelid AND other.attnum > 0
           AND other.attnum <> own.conkey[1] AND other.attnotnull AND NOT other.atthasdef AND NOT other.attisdropped)`,
    )
  }

  /** As the server seals: version, nonce, tag, ciphertext. */
  #seal(plain: string, context: string): Buffer {
    const nonce = randomBytes(12)
    const cipher = createCipheriv('aes-256-gcm', this.#masterKey, nonce).setAAD(Buffer.from(context))
    const ciphertext = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()])
    return Buffer.concat([Buffer.of(1), nonce, cipher.getAuthTag(), ciphertext])
  }
}

/** Nobody can sign in to a simulated host. */
const NO_CREDENTIAL = JSON.stringify({ ssh: { type: 'password', password: 'there is no sshd' } })

async function connectTo(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString })
  // The next query tells.
  client.on('error', () => undefined)
  await client.connect()
  return client
}
