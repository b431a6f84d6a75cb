import { Inject, Injectable } from '@nestjs/common'
import { ServerIdentities } from '../identities/index.ts'
import { Reconciler } from '../platform/background/reconciler.ts'
import type { Config } from '../platform/config/config.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { CONFIG } from '../platform/tokens.ts'
import { RotationsRepository } from './rotations.repository.ts'

const DAY_MS = 86_400_000
/** A large fleet that was installed on one day is not rotated at one moment, but 14,400 agents a day at most. */
const BATCH = 50
/** Who requested it, as a host's history shows. */
const REQUESTED_BY = 'the schedule'

/**
 * Begins the rotation of credentials that are older than the operator wants them to be, and of agents that know the servers by an identity
 * that has been replaced; removes identities that no agent knows any more.
 */
@Injectable()
export class OutdatedCredentialsReconciler extends Reconciler {
  override readonly name = 'outdated-credentials'
  override readonly intervalMs = 300_000

  constructor(
    private readonly rotations: RotationsRepository,
    private readonly identities: ServerIdentities,
    @Inject(CONFIG) private readonly config: Pick<Config, 'rotateDays'>,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    super()
  }

  /** Leaves out hosts that do not answer, until they do. */
  override async reconcile(now: Date): Promise<void> {
    const { rotateDays } = this.config
    const before = rotateDays === null ? null : new Date(now.getTime() - rotateDays * DAY_MS)
    const ids = await this.rotations.outdated(before, BATCH)
    await this.rotations.begin(ids, REQUESTED_BY, now)
    if (ids.length > 0)
      this.log.info(`rotating the credentials of ${ids.length} agents, which are out of date`)
    const removed = await this.identities.removeUnused(now)
    if (removed > 0)
      this.log.info(`removed ${removed} identities of the servers that no agent knows any more`)
  }
}
