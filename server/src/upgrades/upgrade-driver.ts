import { Inject, Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { CommandsService } from '../commands/index.ts'
import { Clock } from '../platform/clock/clock.ts'
import { Repeater } from '../platform/clock/repeater.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { nextMove } from './domain/next-move.ts'
import { Overtaken, type Upgrade, UpgradesRepository } from './upgrades.repository.ts'

const LOOK_INTERVAL_MS = 500

/**
 * Goes on with every upgrade that has not ended. Every server does: what is to be done is decided by what is stored, and a host's turn is
 * stored once, so that it does not matter which of them comes first, or dies.
 */
@Injectable()
export class UpgradeDriver {
  private readonly stopping = new AbortController()
  private loop = Promise.resolve()

  constructor(
    private readonly rows: UpgradesRepository,
    private readonly commands: CommandsService,
    private readonly clock: Clock,
    private readonly repeater: Repeater,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  start(): void {
    this.loop = this.repeater.repeat('going on with upgrades', LOOK_INTERVAL_MS, this.stopping.signal, () =>
      this.look(),
    )
  }

  async stop(): Promise<void> {
    this.stopping.abort()
    await this.loop
  }

  /** One look at every upgrade that has not ended. One that fails stops no other. */
  async look(): Promise<void> {
    for (const id of await this.rows.unended()) {
      if (this.stopping.signal.aborted) return
      await this.goOn(id).catch((error) =>
        this.log.warn({ err: error, upgradeId: id }, 'an upgrade could not be gone on with; trying again'),
      )
    }
  }

  private async goOn(id: string): Promise<void> {
    const now = this.clock.now()
    await this.rows.collect(id, now)
    const upgrade = await this.rows.find(id)
    if (!upgrade || !isUnended(upgrade)) return
    const hosts = await this.rows.ringHosts(id)
    const move = nextMove({ state: upgrade.state, rings: upgrade.rings, hosts }, now)
    if (move.do === 'end') return this.rows.end(id, move.state, move.reason, now)
    if (move.do === 'wait') return
    const names = new Map(hosts.map((host) => [host.id, host.name]))
    for (const hostId of move.ids)
      await this.begin(upgrade, { id: hostId, name: names.get(hostId) ?? hostId })
  }

  private async begin(upgrade: Upgrade, host: { id: string; name: string }): Promise<void> {
    const run = this.commands.newProvisioning('upgrade', host, upgrade.requestedBy, [upgrade.version])
    try {
      await this.rows.begin(upgrade.id, host.id, run, this.clock.now())
    } catch (error) {
      if (error instanceof Overtaken) return
      if (!(error instanceof RollcallError)) throw error
      return this.rows.refuse(upgrade.id, host.id, error.message, this.clock.now())
    }
    this.commands.announce(run.commands[0].id)
  }
}

type Unended = Upgrade & { state: 'running' | 'paused' | 'cancelling' }
const isUnended = (upgrade: Upgrade): upgrade is Unended =>
  ['running', 'paused', 'cancelling'].includes(upgrade.state)
