import { RollcallError } from '@rollcall/contracts'
import { IDENTITY_CONTEXT } from '../master-key/index.ts'
import { createIdentity, type Identity } from '../platform/crypto/certificates.ts'
import type { Sealer } from '../platform/crypto/sealer.ts'
import { memoizeAsync } from '../platform/memoize-async.ts'
import type { KnownIdentity } from './domain/server-identity.ts'
import type { IdentitiesRepository } from './identities.repository.ts'

/** Long enough for every server to have stored what it made with an identity it read as the newest. */
const RETENTION_MS = 86_400_000

/**
 * Keeps the certificates by which agents know the servers. New credentials use the newest; each agent is called with
 * the one it knows.
 */
export class ServerIdentities {
  /** Returns the identity with a pin. Throws `server.defect` if there is none. */
  readonly get = memoizeAsync((pin: string) => this.read(pin))

  private constructor(
    private readonly identities: IdentitiesRepository,
    private readonly sealer: Sealer,
  ) {}

  /** Opens the identities and creates the first if there is none. */
  static async open(rows: IdentitiesRepository, sealer: Sealer): Promise<ServerIdentities> {
    const identities = new ServerIdentities(rows, sealer)
    if ((await rows.newest()) === null) await identities.insert(1, new Date())
    return identities
  }

  async newestPin(): Promise<string> {
    const newest = await this.identities.newest()
    if (newest === null) throw new RollcallError('server.defect', 'no server identity exists')
    return newest.pin
  }

  /**
   * Creates a new identity. Agents receive it with their next rotation and are called with their current one until
   * then.
   */
  async renew(now: Date): Promise<void> {
    const newest = await this.identities.newest()
    await this.insert((newest?.id ?? 0) + 1, now)
  }

  /** Lists the identities, newest first. */
  list(): Promise<KnownIdentity[]> {
    return this.identities.list()
  }

  /** Removes identities that no agent knows, a day after they were replaced. Returns how many. */
  removeUnused(now: Date): Promise<number> {
    return this.identities.deleteUnused(new Date(now.getTime() - RETENTION_MS))
  }

  private async insert(id: number, createdAt: Date): Promise<void> {
    const { certificatePem, privateKeyPem, pin } = createIdentity('rollcall-server', createdAt)
    const privateKey = this.sealer.seal(privateKeyPem, IDENTITY_CONTEXT)
    await this.identities.insert({ id, pin, createdAt, certificate: certificatePem, privateKey })
  }

  private async read(pin: string): Promise<Identity> {
    const row = await this.identities.find(pin)
    if (!row)
      throw new RollcallError('server.defect', `no server identity has the pin ${pin} that an agent knows`)
    return {
      certificatePem: row.certificate,
      pin,
      privateKeyPem: this.sealer.open(row.privateKey, IDENTITY_CONTEXT),
    }
  }
}
