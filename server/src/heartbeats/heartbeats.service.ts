import { Inject, Injectable, type OnModuleInit } from '@nestjs/common'
import { AgentsService } from '../agents/index.ts'
import { CommandLifecycleRepository } from '../commands/index.ts'
import { Clock } from '../platform/clock/clock.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { COUNT_TASKS, HeartbeatsRepository } from './heartbeats.repository.ts'

/** Takes what the rest of the server learns of a host's health: a call that failed, a command that ended. */
@Injectable()
export class HeartbeatsService implements OnModuleInit {
  constructor(
    private readonly heartbeats: HeartbeatsRepository,
    private readonly agents: AgentsService,
    private readonly commands: CommandLifecycleRepository,
    private readonly clock: Clock,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  onModuleInit() {
    this.agents.onHealthHint((hostId) => this.requestNow(hostId))
    this.commands.addToEnd(COUNT_TASKS)
  }

  /** Requests a heartbeat of a host now instead of at its time. A hint, which fails no caller: without it the host has its turn later. */
  requestNow(hostId: string): void {
    this.heartbeats
      .makeDue(hostId, this.clock.now())
      .catch((error) => this.log.warn({ err: error, hostId }, 'a heartbeat could not be brought forward'))
  }

  /** Tells whether a host has an agent that does not answer its heartbeats. */
  isSilent(hostId: string): Promise<boolean> {
    return this.heartbeats.isSilent(hostId)
  }
}
