import { Inject, Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { CommandWorker } from '../commands/index.ts'
import { IDLE, Reconciler, type Requeue } from '../platform/background/reconciler.ts'
import { Clock } from '../platform/clock/clock.ts'
import { ConcurrentUpdateError } from '../platform/leases/concurrent-update-error.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { newProvisioningRun } from '../runs/index.ts'
import { nextMove } from './domain/next-move.ts'
import type { Upgrade } from './domain/upgrade.ts'
import { UpgradesRepository } from './upgrades.repository.ts'

/**
 * Advances every upgrade that has not ended, on every server. What to do follows from what is stored, and a host's turn is stored once, so
 * it does not matter which server is first, or dies.
 */
@Injectable()
export class UpgradeReconciler extends Reconciler {
  override readonly name = 'upgrades'
  override readonly intervalMs = 500

  constructor(
    private readonly upgrades: UpgradesRepository,
    private readonly worker: CommandWorker,
    private readonly clock: Clock,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    super()
  }

  /** Advances every upgrade that has not ended. One that fails stops no other. */
  override async reconcile(_now: Date, signal: AbortSignal): Promise<Requeue | undefined> {
    const unended = await this.upgrades.unended()
    if (unended.length === 0) return IDLE
    await this.forEach(
      unended,
      signal,
      (id) => this.advance(id),
      (err, upgradeId) => this.log.warn({ err, upgradeId }, 'an upgrade could not be advanced; trying again'),
    )
  }

  private async advance(id: string): Promise<void> {
    const now = this.clock.now()
    await this.upgrades.collect(id, now)
    const upgrade = await this.upgrades.find(id)
    if (!upgrade || !isUnended(upgrade)) return
    const hosts = await this.upgrades.ringHosts(id)
    const move = nextMove({ state: upgrade.state, rings: upgrade.rings, hosts }, now)
    if (move.do === 'end') return this.upgrades.end(id, move.state, move.reason, now)
    if (move.do === 'wait') return
    const names = new Map(hosts.map((host) => [host.id, host.name]))
    for (const hostId of move.ids)
      await this.begin(upgrade, { id: hostId, name: names.get(hostId) ?? hostId })
  }

  private async begin(upgrade: Upgrade, host: { id: string; name: string }): Promise<void> {
    const createdAt = this.clock.now()
    const { id, requestedBy, version } = upgrade
    const run = newProvisioningRun('upgrade', host, { requestedBy, createdAt }, [version])
    try {
      await this.upgrades.begin(id, host.id, run, createdAt)
    } catch (error) {
      if (error instanceof ConcurrentUpdateError) return
      if (!(error instanceof RollcallError)) throw error
      return this.upgrades.refuse(id, host.id, error.message, this.clock.now())
    }
    this.worker.announce(run.commands[0].id)
  }
}

type Unended = Upgrade & { state: 'running' | 'paused' | 'cancelling' }
const isUnended = (upgrade: Upgrade): upgrade is Unended =>
  ['running', 'paused', 'cancelling'].includes(upgrade.state)
