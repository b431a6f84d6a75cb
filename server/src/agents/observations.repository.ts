import { Injectable } from '@nestjs/common'
import type { HostState } from '@rollcall/contracts/admin'
import { Database } from '../platform/prisma/database.ts'

const OBSERVED: HostState[] = ['online', 'offline', 'credentials_refused', 'identity_changed']

/** What calls show of a host. A host that is being installed or removed has its state from that alone. */
@Injectable()
export class ObservationsRepository {
  constructor(private readonly database: Database) {}

  async answered(hostId: string, now: Date): Promise<void> {
    await this.database.prisma.agent.updateMany({ where: { hostId }, data: { lastAnswerAt: now } })
    await this.change(hostId, 'online', null, now)
  }

  async failed(
    hostId: string,
    state: 'offline' | 'credentials_refused' | 'identity_changed',
    reason: string,
    now: Date,
  ): Promise<void> {
    await this.change(hostId, state, reason, now)
  }

  private async change(hostId: string, state: HostState, reason: string | null, now: Date): Promise<void> {
    await this.database.prisma.host.updateMany({
      where: { id: hostId, state: { in: OBSERVED.filter((other) => other !== state) } },
      data: { state, stateReason: reason, stateSince: now },
    })
  }
}
