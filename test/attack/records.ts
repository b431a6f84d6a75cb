import { ServerData } from '../load/seed.ts'
import type { Attack } from './attack.ts'

/** The lock under which servers append to the audit log: `CHAIN_LOCK` of `server/src/audit`. */
const CHAIN_LOCK = 7_204_002

/** Attacks on the audit log by the owner of the database. Each leaves the log as it was. */
export const RECORDS: readonly Attack[] = [
  {
    name: 'An entry of the audit log is edited, its end is cut off, or all of it is emptied, and nobody notices',
    async run(setting) {
      const { server, root } = setting
      const found: string[] = []
      await using data = await ServerData.open(server)
      await setting.person('operator').request('PATCH', '/api/hosts/mine', { labels: { env: 'mine' } })
      const isGood = async () => (await root.call('verifyAudit')).isIntact === true
      if (!(await isGood())) return ['an untouched log is not taken for whole']
      // What the server appends meanwhile, such as its summary of refusals, waits until the log is as it was.
      await data.query('SELECT pg_advisory_lock($1)', [CHAIN_LOCK])
      // The owner of the database can bypass its rules.
      const tables = ['audit_entry', 'audit_head', 'audit_start']
      for (const table of tables) {
        await data.query(`CREATE TABLE kept_${table} AS TABLE ${table}`)
        await data.query(`ALTER TABLE ${table} DISABLE TRIGGER USER`)
      }
      const restore = async () => {
        for (const table of tables) {
          await data.query(`TRUNCATE ${table}`)
          await data.query(`INSERT INTO ${table} SELECT * FROM kept_${table}`)
        }
      }
      const attempts: readonly [string, readonly string[]][] = [
        [
          'an entry edited',
          [`UPDATE audit_entry SET action = 'nothing' WHERE seq = (SELECT max(seq) - 1 FROM audit_entry)`],
        ],
        ['an entry removed', ['DELETE FROM audit_entry WHERE seq = (SELECT max(seq) - 1 FROM audit_entry)']],
        ['all emptied', ['TRUNCATE audit_entry']],
        ['all emptied with its head', ['TRUNCATE audit_entry', 'TRUNCATE audit_head']],
        [
          'all emptied as on the first day',
          ['TRUNCATE audit_entry', 'TRUNCATE audit_head', 'TRUNCATE audit_start'],
        ],
        [
          'the end cut off and an older head put in its place',
          [
            'DELETE FROM audit_entry WHERE seq > (SELECT max(seq) - 2 FROM kept_audit_entry)',
            'UPDATE audit_head SET seq = e.seq, hash = e.hash FROM (SELECT seq, hash FROM audit_entry ORDER BY seq DESC LIMIT 1) e',
          ],
        ],
      ]
      for (const [what, statements] of attempts) {
        for (const sql of statements) await data.query(sql)
        if (await isGood()) found.push(`${what}: the log is called whole`)
        await restore()
      }
      for (const table of tables) await data.query(`ALTER TABLE ${table} ENABLE TRIGGER USER`)
      if (!(await isGood())) throw new Error('the log was not put back as it was')
      await data.query('SELECT pg_advisory_unlock($1)', [CHAIN_LOCK])
      return found
    },
  },
]
