import { Inject, Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { HeartbeatsRepository, type SilentHost } from '../heartbeats/index.ts'
import { Reconciler } from '../platform/background/reconciler.ts'
import { Clock } from '../platform/clock/clock.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { SERVER_ID } from '../platform/tokens.ts'
import { ProvisioningService } from '../provisioning/index.ts'
import { FAILED_ROUNDS, isToBeReinstalled, MAX_INSTALLING, nextReinstall } from './domain/decide-reinstall.ts'

/** Hosts whose SSH is tried at once. */
const BATCH = 4
const SSH_TIMEOUT_MS = 30_000
/** Who asked for such an installation, as its log and its command say. */
export const REQUESTED_BY = 'rollcall'

/** Installs agents again that stay silent on hosts whose SSH works. What it does stands in the history of the host. */
@Injectable()
export class ReinstallReconciler extends Reconciler {
  override readonly name = 'reinstalls'
  override readonly intervalMs = 5000

  constructor(
    private readonly heartbeats: HeartbeatsRepository,
    private readonly provisioning: ProvisioningService,
    private readonly clock: Clock,
    @Inject(SERVER_ID) private readonly server: string,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    super()
  }

  override async reconcile(now: Date, signal: AbortSignal): Promise<void> {
    const limits = { failedRounds: FAILED_ROUNDS, limit: BATCH, maxInstalling: MAX_INSTALLING }
    const candidates = await this.heartbeats.silentHosts(this.server, now, limits)
    await Promise.all(
      candidates.map((candidate) =>
        isToBeReinstalled(candidate, now)
          ? this.reinstall(candidate, signal)
          : this.plan(candidate, 'no_ssh'),
      ),
    )
  }

  private async reinstall(candidate: SilentHost, signal: AbortSignal): Promise<void> {
    const { hostId } = candidate
    const timeout = AbortSignal.any([signal, AbortSignal.timeout(SSH_TIMEOUT_MS)])
    try {
      await this.provisioning.checkSsh(hostId, timeout)
    } catch (error) {
      if (signal.aborted) return
      return this.noteNoSsh(candidate, error)
    }
    try {
      // Planned first: should we die in between, there is one reinstallation too few and not one too many.
      // Signing in has taken its time: it may have answered meanwhile.
      if (!(await this.plan(candidate, 'installing'))) return
      const { commandId } = await this.provisioning.install(hostId, REQUESTED_BY)
      this.log.warn({ hostId, commandId }, 'the agent stays silent but SSH works: installing it again')
    } catch (error) {
      // A person was faster, or removed the host.
      if (!(error instanceof RollcallError)) throw error
      this.log.info({ hostId, code: error.code }, `not installed again: ${error.message}`)
    }
  }

  private plan(candidate: SilentHost, outcome: 'installing' | 'no_ssh'): Promise<boolean> {
    const next = nextReinstall(outcome, candidate.reinstalls, this.clock.now(), Math.random())
    return this.heartbeats.planReinstall(this.server, candidate, next, outcome === 'installing')
  }

  private async noteNoSsh(candidate: SilentHost, error: unknown): Promise<void> {
    const { hostId, notBefore } = candidate
    // Once for a silence: SSH is probed every few minutes.
    if (!(await this.plan(candidate, 'no_ssh')) || notBefore !== null) return
    const known = error instanceof RollcallError ? error : undefined
    if (!known && !(error instanceof DOMException)) throw error
    await this.heartbeats.note(hostId, this.clock.now(), {
      code: known?.code ?? 'ssh.unreachable',
      reason: `The agent is not installed again, since SSH does not work either: ${known?.message ?? `no answer within ${SSH_TIMEOUT_MS / 1000} s.`}`,
    })
  }
}
