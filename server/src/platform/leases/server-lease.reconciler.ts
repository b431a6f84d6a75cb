import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common'
import { Reconciler } from '../background/reconciler.ts'
import { LOGGER, type Logger } from '../log.ts'
import { SERVER_ID } from '../tokens.ts'
import { LEASE_MS } from './lease.ts'
import { ServerLeaseRepository } from './server-lease.repository.ts'

/** Renews the lease under which this server holds everything that it works on, and releases it when the server has stopped. */
@Injectable()
export class ServerLease extends Reconciler implements OnModuleDestroy {
  override readonly name = 'server-lease'
  override readonly intervalMs = LEASE_MS / 3

  constructor(
    private readonly leases: ServerLeaseRepository,
    @Inject(SERVER_ID) private readonly server: string,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    super()
  }

  /**
   * Acquires the lease, before anything is worked on and no earlier: others give up a share of their agents for a server that lives,
   * and nobody calls these until it works.
   */
  acquire(): Promise<void> {
    return this.leases.renew(this.server)
  }

  override reconcile(): Promise<void> {
    return this.leases.renew(this.server)
  }

  /** Called after all background work was drained. */
  async onModuleDestroy(): Promise<void> {
    await this.leases
      .release(this.server)
      .catch((error) =>
        this.log.warn({ err: error }, 'the lease of this server could not be released; it expires'),
      )
  }
}
