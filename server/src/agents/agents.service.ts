import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type { AgentMethodName, AgentParamsInput, AgentResult } from '@rollcall/contracts/agent'
import { ServerIdentities } from '../identities/index.ts'
import type { AgentAddress } from '../platform/agent-client/agent-address.ts'
import {
  type AgentCall,
  AgentConnection,
  type OutcomesOf,
} from '../platform/agent-client/agent-connection.ts'
import { type AgentConnector, agentConnector } from '../platform/agent-client/agent-connector.ts'
import { callWithRetries } from '../platform/agent-client/call-with-retries.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { Metrics } from '../platform/metrics/metrics.ts'
import { AgentsRepository } from './agents.repository.ts'

/** Failures that say something of the host: its state is to be looked at anew. */
const CREDENTIAL_ERRORS = new Set<string>(['agent.credentials_refused', 'agent.identity_changed'])
const HEALTH_ERRORS = new Set<string>([
  'agent.unreachable',
  'agent.credentials_refused',
  'agent.identity_changed',
])

/**
 * The way to talk to agents: keep-alive connections to each, and retries. What a call shows of a host's state is only a
 * hint, on which the roll is called of that host at once: what is true is decided there.
 */
@Injectable()
export class AgentsService implements OnModuleDestroy {
  private readonly connections = new Map<string, Promise<AgentConnection>>()
  /** Hosts whose last call by this server failed. */
  private readonly troubled = new Set<string>()
  /** By the pin of the identity that they show. */
  private readonly connectors = new Map<string, AgentConnector>()
  private readonly healthListeners: ((hostId: string) => void)[] = []
  private readonly errors

  constructor(
    private readonly agents: AgentsRepository,
    metrics: Metrics,
    private readonly identities: ServerIdentities,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    this.errors = metrics.counter({
      name: 'rollcall_rpc_errors_total',
      help: 'Calls to agents other than heartbeats that failed after all retries, by error code.',
      labelNames: ['code'] as const,
    })
  }

  /** Calls back with each host whose health a call has put in doubt, or has shown to be well again. */
  onHealthHint(listener: (hostId: string) => void): void {
    this.healthListeners.push(listener)
  }

  /** One call, with retries. Throws what `AgentConnection.call` throws, or `host.not_found`. */
  call<N extends AgentMethodName>(
    hostId: string,
    name: N,
    params: AgentParamsInput<N>,
    signal?: AbortSignal,
  ): Promise<AgentResult<N>> {
    return this.withRetries(hostId, (connection) => connection.call(name, params, signal), signal)
  }

  /** As `call`, with bytes beside the parameters: for an agent that is known to have the method. */
  callWithBytes<N extends AgentMethodName>(
    hostId: string,
    name: N,
    params: AgentParamsInput<N>,
    bytes: Uint8Array,
    signal?: AbortSignal,
  ): Promise<AgentResult<N>> {
    return this.withRetries(
      hostId,
      (connection) => connection.callWithBytes(name, params, bytes, signal),
      signal,
    )
  }

  /**
   * A call and, in the same request, a second one that follows from it, with retries. Throws the error of the first;
   * resolves to both results, or to an error in place of the second.
   */
  callWithNext<const F extends AgentCall, const S extends AgentCall>(
    hostId: string,
    first: F,
    second: S,
    signal?: AbortSignal,
  ): Promise<[AgentResult<F['method']>, AgentResult<S['method']> | RollcallError]> {
    const work = async (connection: AgentConnection) => {
      const [one, other] = await connection.callEach([first, second] as const, { signal })
      // Thrown in here, so that the retries know what every try may have done.
      if (one instanceof RollcallError) throw one
      return [one, other] as [AgentResult<F['method']>, AgentResult<S['method']> | RollcallError]
    }
    return this.withRetries(hostId, work, signal)
  }

  /** Calls that have nothing to do with each other in one request, with retries of the whole. Resolves to each one's result or error. */
  callAll<const C extends readonly AgentCall[]>(
    hostId: string,
    calls: C,
    signal?: AbortSignal,
  ): Promise<OutcomesOf<C>> {
    return this.withRetries(hostId, (connection) => connection.callEach(calls, { signal }), signal)
  }

  private async withRetries<T>(
    hostId: string,
    work: (connection: AgentConnection) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    try {
      // Looked up for each try: a reinstallation in between makes another connection.
      const result = await callWithRetries(() => this.withPresentCredentials(hostId, work), signal)
      if (this.troubled.delete(hostId)) this.hint(hostId)
      return result
    } catch (error) {
      if (error instanceof RollcallError) this.errors.inc({ code: error.code })
      if (error instanceof RollcallError && HEALTH_ERRORS.has(error.code)) {
        this.troubled.add(hostId)
        this.hint(hostId)
        // Another server may have installed it anew or removed it: the next call looks where it is now.
        this.forget(hostId)
      }
      throw error
    }
  }

  /** Several calls in one request, tried once, to the agent at `address`: where it was a moment ago, by the database. */
  async callEachOnce<const C extends readonly AgentCall[]>(
    hostId: string,
    address: Pick<AgentAddress, 'host' | 'port' | 'certificatePin'>,
    calls: C,
    limits: { timeoutMs: number; signal: AbortSignal },
  ) {
    const known = await this.connections.get(hostId)
    const isMoved =
      known &&
      (known.address.host !== address.host ||
        known.address.port !== address.port ||
        known.address.certificatePin !== address.certificatePin)
    if (isMoved) this.forget(hostId)
    return this.withPresentCredentials(hostId, (connection) => connection.callEach(calls, limits))
  }

  /** One call, tried once, on a connection of its own: for credentials that are not, or not any more, those of the agent. */
  async callAt<N extends AgentMethodName>(
    address: AgentAddress,
    name: N,
    params: AgentParamsInput<N>,
    signal: AbortSignal,
  ): Promise<AgentResult<N>> {
    const connection = await this.connect(address)
    try {
      return await connection.call(name, params, signal)
    } finally {
      await connection.close()
    }
  }

  /** One call without retries and without consequences, for a host that is being installed. */
  async tryOnce<N extends AgentMethodName>(
    hostId: string,
    name: N,
    params: AgentParamsInput<N>,
    signal?: AbortSignal,
  ): Promise<AgentResult<N>> {
    return (await this.connection(hostId)).call(name, params, signal)
  }

  /**
   * Asks an agent once, without consequences, whether it answers; at another place than the one it is called at, where `place` says so.
   * Throws what `AgentConnection.call` throws, or `host.not_found`.
   */
  async probe(
    hostId: string,
    place: Partial<Pick<AgentAddress, 'host' | 'port'>>,
    signal: AbortSignal,
  ): Promise<void> {
    const address = await this.agents.address(hostId)
    if (!address) throw new RollcallError('host.not_found', 'The host is no longer in the fleet.')
    await this.callAt({ ...address, ...place }, 'health_check', {}, signal)
  }

  /** Drops what is known of an agent, after its address or identity changed or its host was removed. Calls under way go on. */
  forget(hostId: string): void {
    const connection = this.connections.get(hostId)
    this.connections.delete(hostId)
    connection?.then(
      (known) =>
        known
          .retire()
          .catch((error) => this.log.debug({ err: error }, 'a connection could not be closed in order')),
      () => undefined, // it was never opened, which whoever called has been told
    )
  }

  /** As `forget`, of all agents but these: of hosts that others have removed, connections are not kept for ever. */
  forgetAllBut(hostIds: ReadonlySet<string>): void {
    for (const hostId of this.connections.keys()) if (!hostIds.has(hostId)) this.forget(hostId)
    for (const hostId of this.troubled) if (!hostIds.has(hostId)) this.troubled.delete(hostId)
  }

  async onModuleDestroy(): Promise<void> {
    const known = await Promise.allSettled(this.connections.values())
    await Promise.all(known.map((one) => one.status === 'fulfilled' && one.value.close()))
  }

  /**
   * A refusal of credentials that are not the agent's any more tells nothing of it: they were rotated, perhaps by another server, since the
   * connection was made. What is refused has had no effect, so it is done once more.
   */
  private async withPresentCredentials<T>(
    hostId: string,
    work: (connection: AgentConnection) => Promise<T>,
  ): Promise<T> {
    const connection = await this.connection(hostId)
    try {
      return await work(connection)
    } catch (error) {
      if (!(error instanceof RollcallError) || !CREDENTIAL_ERRORS.has(error.code)) throw error
      const present = await this.agents.address(hostId)
      const { certificatePin, serverName } = connection.address
      if (!present || (present.certificatePin === certificatePin && present.serverName === serverName))
        throw error
      this.forget(hostId)
      return work(await this.connection(hostId))
    }
  }

  private connection(hostId: string): Promise<AgentConnection> {
    const known = this.connections.get(hostId)
    if (known) return known
    const made = this.open(hostId)
    this.connections.set(hostId, made)
    made.catch(() => {
      if (this.connections.get(hostId) === made) this.connections.delete(hostId)
    })
    return made
  }

  private async open(hostId: string): Promise<AgentConnection> {
    const address = await this.agents.address(hostId)
    if (!address) throw new RollcallError('host.not_found', 'The host is no longer in the fleet.')
    return this.connect(address)
  }

  private async connect(address: AgentAddress): Promise<AgentConnection> {
    const { serverPin } = address
    const connector = this.connectors.get(serverPin) ?? agentConnector(await this.identities.get(serverPin))
    this.connectors.set(serverPin, connector)
    return new AgentConnection(address, connector)
  }

  private hint(hostId: string): void {
    for (const listener of this.healthListeners) listener(hostId)
  }
}
