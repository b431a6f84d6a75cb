import { constants } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import { CredentialSlot, type KeyPair } from '../../../agent/test/fixtures/agent-parts.ts'
import { makeIdentity } from '../../../agent/test/fixtures/certificate.ts'
import type { LoadAgent } from '../agents.ts'
import type { Behaviour, Fault } from './behaviour.ts'
import { CommandBook } from './command-book.ts'
import { type HostDisks, KeptCredentials } from './kept-credentials.ts'
import type { Handlers } from './rpc.ts'
import { SignatureGate } from './signatures.ts'
import { corrupted, HostFacts } from './status.ts'

/** A connection as an agent and its sweeper know it. */
export interface OpenConnection {
  readonly isTrusted: boolean
  /** When bytes last came, on the monotonic clock. */
  readonly lastMs: number
  /** Breaks it off, as a process that dies does. */
  reset(): void
  end(): void
}

/** One agent and its host. Most of it is made when it is first called. */
export class SimulatedAgent {
  readonly index: number
  readonly identity: LoadAgent
  readonly connections = new Set<OpenConnection>()
  behaviour: Behaviour = {}
  /** The present fault. */
  fault: Fault | null = null
  /** How often its process has died while it changed its credentials. */
  deaths = 0
  readonly #disks: HostDisks
  readonly #facts: HostFacts
  /** Once somebody rotates them; before that its credentials are those of `identity`. */
  #kept: KeptCredentials | undefined
  #keeping: Promise<KeptCredentials> | undefined
  #slots: readonly CredentialSlot[] | undefined
  #commands: CommandBook | undefined
  #signatures: SignatureGate | undefined
  #context: SecureContext | undefined
  #stagedContext: SecureContext | undefined
  #otherContext: SecureContext | undefined
  #isStarting = false
  /** Requests that came while it was frozen, in order. */
  #held: (() => void)[] = []

  constructor(index: number, identity: LoadAgent, disks: HostDisks) {
    this.index = index
    this.identity = identity
    this.#disks = disks
    this.#facts = new HostFacts(identity.name, index)
  }

  /** The certificate that it shows at a handshake now. */
  get secureContext(): SecureContext {
    if (this.fault === 'other_certificate') {
      this.#otherContext ??= toContext(makeIdentity(this.identity.name))
      return this.#otherContext
    }
    this.#context ??= toContext(this.#kept?.present ?? this.identity.identity)
    return this.#context
  }

  /** The certificate of its staged credentials; null if there are none. */
  get stagedContext(): SecureContext | null {
    const staged = this.#kept?.staged
    if (!staged) return null
    this.#stagedContext ??= toContext(staged)
    return this.#stagedContext
  }

  /** The sets of credentials that count: one, or two while they are rotated. The same array as long as nothing changes. */
  get slots(): readonly CredentialSlot[] {
    this.#slots ??= this.#kept?.slots ?? [firstSlot(this.identity, this.#disks.serverPins)]
    return this.#slots
  }

  /** Somebody was let in by it. */
  noteUse(slot: CredentialSlot): void {
    this.#kept?.noteUse(slot)
  }

  /** Its hosts have no disks: they lack the methods for files and playbooks, like an agent of an early release. */
  readonly handlers: Handlers = {
    health_check: () => this.#facts.health(),
    heartbeat: () => this.#facts.heartbeat(this.behaviour, this.#running.length),
    get_status: () => corrupted(this.#facts.status(this.behaviour, this.#running), this.fault),
    get_port: () => JSON.stringify({ port: this.identity.port }),
    execute_command: (params) => JSON.stringify(this.#book.execute(params)),
    get_command_log: (params) => {
      const answer = this.#book.readLog(params)
      return answer instanceof Promise ? answer.then((log) => JSON.stringify(log)) : JSON.stringify(answer)
    },
    cancel_command: ({ command_id }) => JSON.stringify(this.#book.cancel(command_id)),
    withdraw_command: ({ command_id }) => JSON.stringify(this.#book.withdraw(command_id)),
    release_command: ({ command_id }) => JSON.stringify(this.#book.release(command_id)),
    write_input: (params) => JSON.stringify(this.#book.writeInput(params)),
    resize_terminal: (params) => JSON.stringify(this.#book.resize(params)),
    stage_credentials: async (params) => JSON.stringify(await (await this.#keep()).stage(params)),
    commit_credentials: async (params) => JSON.stringify(await (await this.#keep()).commit(params)),
  }

  /** The signatures of its present life. */
  get signatures(): SignatureGate {
    this.#signatures ??= new SignatureGate()
    return this.#signatures
  }

  /** Does `work` at once, or when it is no longer frozen and runs. */
  whenAwake(work: () => void): void {
    if (this.fault === 'frozen' || this.#isStarting) this.#held.push(work)
    else work()
  }

  /** Changes what is wrong with it, as far as this process and not the kernel has a part in it. */
  become(fault: Fault | null): void {
    const before = this.fault
    this.fault = fault
    // Both come with a new process on a host: connections of the old one are gone.
    if (fault === 'closed' || fault === 'other_certificate' || before === 'other_certificate') this.#die()
    if (before === 'frozen') this.#wake()
  }

  #die(): void {
    for (const connection of this.connections) connection.reset()
    this.#signatures = undefined
  }

  #wake(): void {
    for (const work of this.#held.splice(0)) this.whenAwake(work)
  }

  #keep(): Promise<KeptCredentials> {
    this.#keeping ??= KeptCredentials.open(this.identity, this.#disks, {
      diesNow: () => Math.random() < (this.behaviour.deathAtWrite ?? 0),
      onDeath: () => {
        this.deaths++
        this.#isStarting = true
        this.#die()
      },
      onChange: () => {
        this.#slots = undefined
        this.#context = undefined
        this.#stagedContext = undefined
        this.#isStarting = false
        this.#wake()
      },
    }).then((kept) => {
      this.#kept = kept
      return kept
    })
    return this.#keeping
  }

  get latencyMs(): number {
    const latency = this.behaviour.latencyMs ?? 0
    if (typeof latency === 'number') return latency
    return latency[0] + Math.random() * (latency[1] - latency[0])
  }

  get #book(): CommandBook {
    this.#commands ??= new CommandBook(this.identity.name)
    return this.#commands
  }

  get #running(): string[] {
    return this.#commands?.running() ?? []
  }
}

const firstSlot = ({ path, token, secretKey, identity }: LoadAgent, serverPins: readonly string[]) =>
  new CredentialSlot({
    rpc_path: path,
    agent_token: token,
    secret_key: secretKey,
    server_pins: [...serverPins],
    require_signatures: false,
    certificate: identity.certificate,
  })

const toContext = ({ certificate, privateKey }: KeyPair): SecureContext =>
  createSecureContext({
    cert: certificate,
    key: privateKey,
    // Nobody's: without it each context would carry Node's own hundred and fifty.
    ca: [],
    minVersion: 'TLSv1.3',
    secureOptions: constants.SSL_OP_NO_TICKET,
  })
