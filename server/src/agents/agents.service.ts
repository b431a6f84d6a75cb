import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type { AgentMethodName, AgentParamsInput, AgentResult } from '@rollcall/contracts/agent'
import { AgentConnection } from '../platform/agent-client/agent-connection.ts'
import { callWithRetries } from '../platform/agent-client/call-with-retries.ts'
import { Clock } from '../platform/clock/clock.ts'
import type { Identity } from '../platform/crypto/certificates.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { SERVER_IDENTITY } from '../platform/tokens.ts'
import { AgentsRepository } from './agents.repository.ts'
import { ObservationsRepository } from './observations.repository.ts'

/** How often the time of an agent's last answer is written down at most. */
const NOTE_INTERVAL_MS = 5000

interface Entry {
  connection: AgentConnection
  /** When its last answer was written down; 0 before the first, and so again after a failure, which drops the entry. */
  notedAt: number
}

/** The way to talk to agents: one keep-alive client for each, retries, and what their answers say of the host's state. */
@Injectable()
export class AgentsService implements OnModuleDestroy {
  private readonly entries = new Map<string, Promise<Entry>>()

  constructor(
    private readonly agents: AgentsRepository,
    private readonly observations: ObservationsRepository,
    private readonly clock: Clock,
    @Inject(SERVER_IDENTITY) private readonly identity: Identity,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  /** One call, with retries. Throws what `AgentConnection.call` throws, or `host.not_found`. */
  async call<N extends AgentMethodName>(
    hostId: string,
    name: N,
    params: AgentParamsInput<N>,
    signal?: AbortSignal,
  ): Promise<AgentResult<N>> {
    try {
      // Looked up for each try: a reinstallation in between makes another connection.
      const result = await callWithRetries(
        async () => (await this.entry(hostId)).connection.call(name, params, signal),
        signal,
      )
      await this.noteAnswer(hostId)
      return result
    } catch (error) {
      if (error instanceof RollcallError) this.noteFailure(hostId, error)
      throw error
    }
  }

  /** One call without retries and without consequences, for a host that is being installed. */
  async tryOnce<N extends AgentMethodName>(
    hostId: string,
    name: N,
    params: AgentParamsInput<N>,
    signal?: AbortSignal,
  ): Promise<AgentResult<N>> {
    return (await this.entry(hostId)).connection.call(name, params, signal)
  }

  /** Drops what is known of an agent, after its address or identity changed or its host was removed. Calls under way go on. */
  forget(hostId: string): void {
    const entry = this.entries.get(hostId)
    this.entries.delete(hostId)
    entry?.then(
      ({ connection }) => this.inBackground(connection.retire()),
      () => undefined, // it was never opened, which whoever called has been told
    )
  }

  async onModuleDestroy(): Promise<void> {
    const entries = await Promise.allSettled(this.entries.values())
    await Promise.all(entries.map((entry) => entry.status === 'fulfilled' && entry.value.connection.close()))
  }

  private entry(hostId: string): Promise<Entry> {
    const known = this.entries.get(hostId)
    if (known) return known
    const made = this.open(hostId)
    this.entries.set(hostId, made)
    made.catch(() => this.entries.delete(hostId))
    return made
  }

  private async open(hostId: string): Promise<Entry> {
    const address = await this.agents.address(hostId)
    if (!address) throw new RollcallError('host.not_found', 'This host is not in the fleet any more.')
    return { connection: new AgentConnection(address, this.identity), notedAt: 0 }
  }

  private async noteAnswer(hostId: string): Promise<void> {
    const entry = await this.entries.get(hostId)
    if (!entry) return
    const now = this.clock.now()
    if (now.getTime() - entry.notedAt < NOTE_INTERVAL_MS) return
    entry.notedAt = now.getTime()
    this.inBackground(this.observations.answered(hostId, now))
  }

  private noteFailure(hostId: string, error: RollcallError): void {
    const state = STATE_OF_FAILURE[error.code]
    if (!state) return
    this.inBackground(this.observations.failed(hostId, state, error.message, this.clock.now()))
    // Another server may have installed it anew or removed it: the next call looks where it is now.
    this.forget(hostId)
  }

  /** A note on a host's state must not hold up or fail the call that it was made for. */
  private inBackground(note: Promise<void>): void {
    note.catch((error) => this.log.warn({ err: error }, "a host's state could not be noted"))
  }
}

const STATE_OF_FAILURE: Partial<Record<string, 'offline' | 'credentials_refused' | 'identity_changed'>> = {
  'agent.unreachable': 'offline',
  'agent.credentials_refused': 'credentials_refused',
  'agent.identity_changed': 'identity_changed',
}
