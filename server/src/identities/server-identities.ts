import { RollcallError } from '@rollcall/contracts'
import { IDENTITY_CONTEXT } from '../master-key/index.ts'
import { type Identity, makeIdentity } from '../platform/crypto/certificates.ts'
import type { Sealer } from '../platform/crypto/sealer.ts'
import type { KnownIdentity } from './domain/known-identity.ts'
import type { IdentitiesRepository } from './identities.repository.ts'

/** A server that read which identity is the newest has stored what it made with it long before. */
const KEPT_FOR_MS = 86_400_000

/**
 * Keeps the certificates by which agents know the servers of this fleet. New credentials are made with the newest one; each agent is called
 * with the one that it knows.
 */
export class ServerIdentities {
  private readonly opened = new Map<string, Promise<Identity>>()

  private constructor(
    private readonly rows: IdentitiesRepository,
    private readonly sealer: Sealer,
  ) {}

  /** Makes the first identity where there is none. */
  static async open(rows: IdentitiesRepository, sealer: Sealer): Promise<ServerIdentities> {
    const identities = new ServerIdentities(rows, sealer)
    if (await rows.isEmpty()) await identities.insert(1, new Date())
    return identities
  }

  async newestPin(): Promise<string> {
    const pin = await this.rows.newestPin()
    if (pin === null) throw new RollcallError('server.defect', 'the servers have no identity')
    return pin
  }

  /** Returns the identity by which an agent that has stored this pin knows the servers. */
  of(pin: string): Promise<Identity> {
    const known = this.opened.get(pin)
    if (known) return known
    const read = this.read(pin)
    this.opened.set(pin, read)
    read.catch(() => this.opened.delete(pin))
    return read
  }

  /** Makes a new identity. Agents get it with their next rotation and are called with their own until then. */
  async renew(now: Date): Promise<void> {
    await this.insert(await this.rows.nextId(), now)
  }

  /** Lists the identities, the newest first. */
  list(): Promise<KnownIdentity[]> {
    return this.rows.list()
  }

  /** Removes the identities that no agent knows, a day after another has replaced them. Returns how many. */
  removeUnused(now: Date): Promise<number> {
    return this.rows.deleteUnused(new Date(now.getTime() - KEPT_FOR_MS))
  }

  private async insert(id: number, createdAt: Date): Promise<void> {
    const { certificatePem, privateKeyPem, pin } = makeIdentity('rollcall-server', createdAt)
    const privateKey = this.sealer.seal(privateKeyPem, IDENTITY_CONTEXT)
    await this.rows.insert({ id, pin, createdAt, certificate: certificatePem, privateKey })
  }

  private async read(pin: string): Promise<Identity> {
    const row = await this.rows.find(pin)
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
