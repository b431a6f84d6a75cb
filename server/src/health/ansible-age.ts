import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common'
import { Artifacts } from '../artifacts/index.ts'
import { Clock } from '../platform/clock/clock.ts'
import { Repeater } from '../platform/clock/repeater.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { ansibleWarning } from './domain/ansible-age.ts'

const INTERVAL_MS = 86_400_000

/** Warns once a day while the Ansible that is brought to hosts is old. */
@Injectable()
export class AnsibleAge implements OnModuleInit, OnModuleDestroy {
  private readonly stopping = new AbortController()
  private watching = Promise.resolve()
  private madeAt: Date | undefined

  constructor(
    private readonly artifacts: Artifacts,
    private readonly clock: Clock,
    private readonly repeater: Repeater,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  onModuleInit() {
    this.watching = this.repeater.repeat(
      'asking how old Ansible is',
      INTERVAL_MS,
      this.stopping.signal,
      async () => {
        this.madeAt = await this.artifacts.ansibleMadeAt()
        const warning = this.warning
        if (warning !== null) this.log.warn(warning)
      },
    )
  }

  async onModuleDestroy() {
    this.stopping.abort()
    await this.watching
  }

  /** Null while it is not old, or not yet known. */
  get warning(): string | null {
    return this.madeAt === undefined ? null : ansibleWarning(this.madeAt, this.clock.now())
  }
}
