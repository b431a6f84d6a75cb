import { Inject, Injectable } from '@nestjs/common'
import { Artifacts } from '../artifacts/index.ts'
import { Reconciler } from '../platform/background/reconciler.ts'
import { Clock } from '../platform/clock/clock.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { ansibleWarning } from './domain/ansible-age.ts'

/** Logs a warning once a day while the Ansible bundle is old. */
@Injectable()
export class AnsibleAgeReconciler extends Reconciler {
  override readonly name = 'ansible-age'
  override readonly intervalMs = 86_400_000
  private madeAt: Date | undefined

  constructor(
    private readonly artifacts: Artifacts,
    private readonly clock: Clock,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    super()
  }

  override async reconcile(): Promise<void> {
    this.madeAt = await this.artifacts.ansibleMadeAt()
    const { warning } = this
    if (warning !== null) this.log.warn(warning)
  }

  /** The warning; null while the bundle is recent or its age is unknown. */
  get warning(): string | null {
    return this.madeAt === undefined ? null : ansibleWarning(this.madeAt, this.clock.now())
  }
}
