import { RollcallError } from '@rollcall/contracts'
import type { Database } from '../prisma/database.ts'
import { type Identity, makeIdentity } from './certificates.ts'
import { IDENTITY_CONTEXT } from './master-key-rotation.ts'
import type { Sealer } from './sealer.ts'

/** One that agents know the servers by, and how many of them. */
export interface KnownIdentity {
  pin: string
  createdAt: Date
  agents: number
}

/** Whoever has read that an identity is the newest has stored what he needed it for long before. */
const KEPT_FOR_MS = 86_400_000

/**
 * The certificates that agents know this fleet's servers by. Credentials that are made now go with the newest; each agent is called with
 * the one that it knows.
 */
export class ServerIdentities {
  private readonly opened = new Map<string, Promise<Identity>>()

  private constructor(
    private readonly database: Database,
    private readonly sealer: Sealer,
  ) {}

  /** Makes the first one where there is none. */
  static async open(database: Database, sealer: Sealer): Promise<ServerIdentities> {
    const identities = new ServerIdentities(database, sealer)
    if ((await database.prisma.serverIdentity.count()) === 0) await identities.insert(1, new Date())
    return identities
  }

  async newestPin(): Promise<string> {
    const row = await this.database.prisma.serverIdentity.findFirst({
      select: { pin: true },
      orderBy: { id: 'desc' },
    })
    if (!row) throw new RollcallError('server.defect', 'the servers have no identity')
    return row.pin
  }

  /** By which an agent that has this pin knows us. */
  of(pin: string): Promise<Identity> {
    const known = this.opened.get(pin)
    if (known) return known
    const read = this.read(pin)
    this.opened.set(pin, read)
    read.catch(() => this.opened.delete(pin))
    return read
  }

  /** Makes a new one. From here on it is given to agents; those that know another go on to be called with that. */
  async renew(now: Date): Promise<void> {
    const { _max } = await this.database.prisma.serverIdentity.aggregate({ _max: { id: true } })
    await this.insert((_max.id ?? 0) + 1, now)
  }

  /** The newest first. */
  async list(): Promise<KnownIdentity[]> {
    const { rows } = await this.database.pool.query<KnownIdentity>(
      `SELECT pin, created_at AS "createdAt",
         (SELECT count(*)::int FROM agent WHERE server_pin = server_identity.pin AND installed_at IS NOT NULL) AS agents
       FROM server_identity ORDER BY id DESC`,
    )
    return rows
  }

  /** Removes those that no agent knows, a day after another has taken their place. Returns how many. */
  async removeUnused(now: Date): Promise<number> {
    const { rowCount } = await this.database.pool.query(
      `DELETE FROM server_identity AS old
       WHERE EXISTS (SELECT 1 FROM server_identity AS newer WHERE newer.id > old.id AND newer.created_at < $1)
         AND NOT EXISTS (SELECT 1 FROM agent WHERE server_pin = old.pin)
         AND NOT EXISTS (SELECT 1 FROM rotation WHERE server_pin = old.pin)`,
      [new Date(now.getTime() - KEPT_FOR_MS)],
    )
    return rowCount ?? 0
  }

  /** Where another server has made that one at the same time, that is the one. */
  private async insert(id: number, now: Date): Promise<void> {
    const { certificatePem, privateKeyPem, pin } = makeIdentity('rollcall-server', now)
    await this.database.prisma.serverIdentity.createMany({
      data: [
        {
          id,
          pin,
          certificate: certificatePem,
          createdAt: now,
          privateKey: this.sealer.seal(privateKeyPem, IDENTITY_CONTEXT),
        },
      ],
      skipDuplicates: true,
    })
  }

  private async read(pin: string): Promise<Identity> {
    const row = await this.database.prisma.serverIdentity.findUnique({ where: { pin } })
    if (!row)
      throw new RollcallError(
        'server.defect',
        `the servers have no identity with the pin ${pin}, by which an agent knows them`,
      )
    return {
      certificatePem: row.certificate,
      pin,
      privateKeyPem: this.sealer.open(row.privateKey, IDENTITY_CONTEXT),
    }
  }
}
