import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type { AgentMethodName, AgentParamsInput, AgentResult } from '@rollcall/contracts/agent'
import { ServerIdentities } from '../identities/index.ts'
import type { AgentAddress } from '../platform/agent-client/agent-address.ts'
import {
  type AgentCall,
  AgentConnection,
  type CallLimits,
  type OutcomesOf,
} from '../platform/agent-client/agent-connection.ts'
import { type AgentConnector, agentConnector } from '../platform/agent-client/agent-connector.ts'
import { callWithRetries } from '../platform/agent-client/call-with-retries.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { Metrics } from '../platform/metrics/metrics.ts'
import { AgentsRepository } from './agents.repository.ts'

const CREDENTIAL_ERRORS = new Set<string>(['agent.credentials_refused', 'agent.identity_changed'])
/** Errors that put a host's health in doubt. */
const HEALTH_ERRORS = new Set<string>(['agent.unreachable', ...CREDENTIAL_ERRORS])

type AgentPlace = Pick<AgentAddress, 'host' | 'port' | 'certificatePin'>

export interface CallOptions extends CallLimits {
  /** `rpc`, the default, tries again by that policy, and hints at the host's health. `never` is one try, which says nothing of its health. */
  retry?: 'rpc' | 'never'
  /**
   * `shared`, the default, is the connection to the agent as it is stored. `expected` is the same, dropped first where it leads
   * elsewhere. `own` is one for this request alone, with what it is given. On the last two a request is tried once.
   */
  connection?: 'shared' | { expected: AgentPlace } | { own: AgentAddress }
}

/**
 * Calls agents, over connections that are kept open to each. What a call shows of a host's health is a hint to its
 * heartbeats, which find out what is true.
 */
@Injectable()
export class AgentsService implements OnModuleDestroy {
  private readonly connections = new Map<string, Promise<AgentConnection>>()
  /** Hosts whose last call by this server failed. */
  private readonly troubled = new Set<string>()
  /** One for each server identity, by its pin. */
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

  /** Makes one call; `bytes` go out beside its parameters. Throws what `AgentConnection.call` throws, or `host.not_found`. */
  call<N extends AgentMethodName>(
    hostId: string,
    method: N,
    params: AgentParamsInput<N>,
    options: CallOptions & { bytes?: Uint8Array } = {},
  ): Promise<AgentResult<N>> {
    return this.perform(hostId, (connection) => connection.call(method, params, options), options)
  }

  /**
   * Makes several calls in one request. Resolves to the result or error of each; throws as `call` does where the request as a
   * whole failed, or with the error of the first call where that must succeed.
   */
  batch<const C extends readonly AgentCall[]>(
    hostId: string,
    calls: C,
    options: CallOptions & { firstMustSucceed?: boolean } = {},
  ): Promise<OutcomesOf<C>> {
    const work = async (connection: AgentConnection) => {
      const outcomes = await connection.batch(calls, options)
      // Thrown in here, so that the retries know what every try may have done.
      if (options.firstMustSucceed && outcomes[0] instanceof RollcallError) throw outcomes[0]
      return outcomes
    }
    return this.perform(hostId, work, options)
  }

  private perform<T>(
    hostId: string,
    work: (connection: AgentConnection) => Promise<T>,
    { retry = 'rpc', connection = 'shared', signal }: CallOptions,
  ): Promise<T> {
    if (connection !== 'shared' && 'own' in connection) return this.onOwnConnection(connection.own, work)
    if (connection !== 'shared') return this.whereExpected(hostId, connection.expected, work)
    return retry === 'never'
      ? this.withPresentCredentials(hostId, work)
      : this.withRetries(hostId, work, signal)
  }

  private async withRetries<T>(
    hostId: string,
    work: (connection: AgentConnection) => Promise<T>,
    signal: AbortSignal | undefined,
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
        // Another server may have installed it again or removed it: the next call looks up where it is now.
        this.forget(hostId)
      }
      throw error
    }
  }

  private async whereExpected<T>(
    hostId: string,
    expected: AgentPlace,
    work: (connection: AgentConnection) => Promise<T>,
  ): Promise<T> {
    const known = await this.connections.get(hostId)
    const isMoved =
      known &&
      (known.address.host !== expected.host ||
        known.address.port !== expected.port ||
        known.address.certificatePin !== expected.certificatePin)
    if (isMoved) this.forget(hostId)
    return this.withPresentCredentials(hostId, work)
  }

  private async onOwnConnection<T>(
    address: AgentAddress,
    work: (connection: AgentConnection) => Promise<T>,
  ): Promise<T> {
    const connection = await this.connect(address)
    try {
      return await work(connection)
    } finally {
      await connection.close()
    }
  }

  /** Asks an agent once whether it answers, at `place` where that differs from the stored address. Throws as `call` does. */
  async probe(
    hostId: string,
    place: Partial<Pick<AgentAddress, 'host' | 'port'>>,
    signal: AbortSignal,
  ): Promise<void> {
    const own = { ...(await this.findAddress(hostId)), ...place }
    await this.call(hostId, 'health_check', {}, { signal, connection: { own } })
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
      () => undefined, // it was never opened: its callers have the error
    )
  }

  /** Forgets all agents but these, so that connections to hosts which other servers have removed are not kept for ever. */
  forgetAllBut(hostIds: ReadonlySet<string>): void {
    for (const hostId of this.connections.keys()) if (!hostIds.has(hostId)) this.forget(hostId)
    for (const hostId of this.troubled) if (!hostIds.has(hostId)) this.troubled.delete(hostId)
  }

  async onModuleDestroy(): Promise<void> {
    const known = await Promise.allSettled(this.connections.values())
    await Promise.all(known.map((one) => one.status === 'fulfilled' && one.value.close()))
  }

  /**
   * Calls with the credentials as they are stored: where an agent refuses those of a connection and they have changed since it
   * was opened (rotation), reconnects and tries once more. A rejected request had no effect.
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
    return this.connect(await this.findAddress(hostId))
  }

  private async findAddress(hostId: string): Promise<AgentAddress> {
    const address = await this.agents.address(hostId)
    if (!address) throw new RollcallError('host.not_found', 'The host is no longer in the fleet.')
    return address
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
