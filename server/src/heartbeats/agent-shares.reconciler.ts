import { Inject, Injectable } from '@nestjs/common'
import { AgentsService } from '../agents/index.ts'
import { Reconciler } from '../platform/background/reconciler.ts'
import { LEASE_MS } from '../platform/leases/lease.ts'
import { SERVER_ID } from '../platform/tokens.ts'
import { fairShare, type Membership, surplus } from './domain/pace.ts'
import { HeartbeatResults } from './heartbeat-results.reconciler.ts'
import { RollRepository } from './roll.repository.ts'

const RUNS_PER_ENROLMENT = 3
/** About every ten minutes. */
const RUNS_PER_CLEANUP = 300
const RELEASE_BATCH = 500

/** Shares the agents out among the servers: puts new ones on the roll, and releases what is beyond this server's share. */
@Injectable()
export class AgentShares extends Reconciler {
  override readonly name = 'agent-shares'
  override readonly intervalMs = LEASE_MS / 3
  /** Hosts that are being called, and that are not released meanwhile. */
  readonly inFlight = new Map<string, Promise<void>>()
  /** Undefined until it was read once. */
  membership: Membership | undefined
  private runs = 0
  private onFirst: () => void = () => undefined

  constructor(
    private readonly roll: RollRepository,
    private readonly results: HeartbeatResults,
    private readonly agents: AgentsService,
    @Inject(SERVER_ID) private readonly server: string,
  ) {
    super()
  }

  /** Has `listener` called once, when it is known how many agents this server should hold. */
  listen(listener: () => void): void {
    this.onFirst = listener
  }

  override async reconcile(now: Date): Promise<void> {
    const isFirst = this.membership === undefined
    this.membership = await this.roll.membership(this.server)
    if (isFirst) this.onFirst()
    if (this.runs % RUNS_PER_ENROLMENT === 0) {
      await this.roll.enrol(now)
      await this.roll.rescheduleAfterClockJump(now)
    }
    if (this.runs % RUNS_PER_CLEANUP === 0) await this.forgetOthers()
    this.runs++
    await this.releaseSurplus(this.membership)
  }

  /** Releases what is beyond our share, so that a server that came later gets it. */
  private async releaseSurplus({ total, servers, owned }: Membership): Promise<void> {
    const count = Math.min(RELEASE_BATCH, surplus(owned, fairShare(total, servers)))
    if (count === 0) return
    for (const hostId of await this.roll.releaseAgents(this.server, count, [...this.inFlight.keys()])) {
      this.results.forget(hostId)
      this.agents.forget(hostId)
    }
  }

  /** Forgets agents that were removed by another server, or acquired by one while this one stood still. */
  private async forgetOthers(): Promise<void> {
    const owned = await this.roll.owned(this.server)
    this.results.forgetAllBut(owned)
    this.agents.forgetAllBut(owned)
  }
}
