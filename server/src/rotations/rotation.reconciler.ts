import { Inject, Injectable } from '@nestjs/common'
import { RETRY_POLICIES, RollcallError, retryAt } from '@rollcall/contracts'
import { type CredentialSet, STAGED_SERVER_NAME } from '@rollcall/contracts/agent'
import { type AgentCredentials, AgentsService } from '../agents/index.ts'
import type { AgentAddress } from '../platform/agent-client/agent-address.ts'
import { IDLE, Reconciler, type Requeue } from '../platform/background/reconciler.ts'
import { Clock } from '../platform/clock/clock.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { SERVER_ID } from '../platform/tokens.ts'
import { nextStep, type RotationAnswer, type RotationCall } from './domain/next-step.ts'
import type { Rotation, RotationSets } from './domain/rotation.ts'
import { RotationsRepository } from './rotations.repository.ts'

const BATCH = 8
const CALL_TIMEOUT_MS = 6000
/** From one end to the other it is six; more where an agent was set back. */
const MAX_STEPS = 10

type Last = { call: RotationCall; answer: RotationAnswer; error: RollcallError | null }

/**
 * Advances every rotation that has not ended. The next step follows from what is stored, and is stored only if nothing else changed
 * the rotation meanwhile: so any server may take it, and die in the middle.
 */
@Injectable()
export class RotationReconciler extends Reconciler {
  override readonly name = 'rotations'
  override readonly intervalMs = 500

  constructor(
    private readonly rotations: RotationsRepository,
    private readonly agents: AgentsService,
    private readonly clock: Clock,
    @Inject(SERVER_ID) private readonly server: string,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    super()
  }

  /** Advances each rotation that is due, some at a time. */
  override async reconcile(_now: Date, signal: AbortSignal): Promise<Requeue | undefined> {
    let count = await this.advanceBatch(signal)
    if (count === 0) return IDLE
    while (!signal.aborted && count === BATCH) count = await this.advanceBatch(signal)
    return undefined
  }

  /** Returns how many rotations were due. One that fails stops no other. */
  private async advanceBatch(signal: AbortSignal): Promise<number> {
    const due = await this.rotations.acquire(this.server, this.clock.now(), BATCH)
    await Promise.all(
      due.map((rotation) =>
        this.advance(rotation, signal).catch(async (error) => {
          if (signal.aborted) return
          this.log.warn(
            { err: error, hostId: rotation.hostId },
            'a rotation could not be advanced; trying again',
          )
          await this.postpone(rotation, null)
        }),
      ),
    )
    return due.length
  }

  private async advance(taken: Rotation, signal: AbortSignal): Promise<void> {
    let rotation = taken
    let last: Last | null = null
    for (let count = 0; count < MAX_STEPS; count++) {
      const step = nextStep(rotation.phase, last)
      if (step.do === 'wait') break
      if (step.do === 'call') {
        const sets = await this.rotations.sets(rotation)
        if (!sets) return
        last = await this.call(rotation, sets, step.call, signal)
        signal.throwIfAborted()
        continue
      }
      const isStored = await (step.do === 'finish'
        ? this.rotations.finish(rotation, this.clock.now())
        : this.rotations.advance(rotation, step.phase, this.clock.now()))
      if (!isStored) break
      // Its connections may be of the other set.
      this.agents.forget(rotation.hostId)
      if (step.do === 'finish') return
      rotation = { ...rotation, phase: step.phase, failures: 0 }
      last = null
    }
    await this.postpone(rotation, last?.error ?? null)
  }

  private async postpone(rotation: Rotation, why: RollcallError | null): Promise<void> {
    const failures = rotation.failures + 1
    const dueAt = retryAt(RETRY_POLICIES.rotation, failures, this.clock.now(), Math.random())
    await this.rotations.postpone(rotation, dueAt, failures, why)
  }

  private async call(
    { id, hostId }: Rotation,
    sets: RotationSets,
    call: RotationCall,
    stopping: AbortSignal,
  ): Promise<Last> {
    const signal = AbortSignal.any([stopping, AbortSignal.timeout(CALL_TIMEOUT_MS)])
    const own = toAgentAddress(sets, call === 'stage_by_old' || call === 'try_old' ? 'old' : 'new')
    const options = { signal, connection: { own } }
    try {
      if (call === 'stage_by_old') {
        const credentials = toWire(sets.new)
        await this.agents.call(hostId, 'stage_credentials', { rotation_id: id, credentials }, options)
      } else if (call === 'commit_by_new')
        await this.agents.call(hostId, 'commit_credentials', { rotation_id: id }, options)
      else await this.agents.call(hostId, 'get_port', {}, options)
      return { call, answer: 'done', error: null }
    } catch (error) {
      if (!(error instanceof RollcallError)) throw error
      return { call, answer: ANSWERS[error.code] ?? 'failed', error }
    }
  }
}

const ANSWERS: Partial<Record<string, RotationAnswer>> = {
  'agent.credentials_refused': 'refused',
  'agent.identity_changed': 'refused',
  'credentials.not_staged': 'not_staged',
}

const toWire = ({ rpcPath, token, secretKey, ...rest }: AgentCredentials): CredentialSet => ({
  rpc_path: rpcPath,
  agent_token: token,
  secret_key: secretKey,
  certificate: rest.certificatePem,
  private_key: rest.privateKeyPem,
  server_pins: [rest.serverPin],
})

/** Where and as whom an agent is called with one of its sets. */
function toAgentAddress({ host, port, ...sets }: RotationSets, which: 'old' | 'new'): AgentAddress {
  const { rpcPath: path, token, secretKey, certificatePin, serverPin } = sets[which]
  const address = { host, port, path, token, secretKey, certificatePin, serverPin }
  return which === 'new' ? { ...address, serverName: STAGED_SERVER_NAME } : address
}
