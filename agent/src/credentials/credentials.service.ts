import { createPrivateKey, X509Certificate } from 'node:crypto'
import { RollcallError } from '@rollcall/contracts'
import type { AgentConfig, CredentialSet } from '@rollcall/contracts/agent'
import type { LoadedConfig } from '../config/load-config.ts'
import { errorCode, isDiskFault } from '../platform/files.ts'
import { Slot } from '../rpc/slots.ts'
import type { CredentialFile } from './credential-file.ts'

/** What a server shows at a handshake. */
export interface KeyPair {
  certificate: string
  privateKey: string
}

/**
 * The credentials that callers may use: one set, or two while they are rotated. What is said here to be staged or committed is
 * on the disk; a process that dies between any two steps comes back with a set that its callers still have.
 */
export class CredentialsService {
  #config: AgentConfig
  #present: { pair: KeyPair; slot: Slot }
  #staged: { pair: KeyPair; slot: Slot } | null
  readonly #file: CredentialFile
  /** Called after every change. */
  onChange: () => void = () => undefined
  #isProven = false
  #turn: Promise<unknown> = Promise.resolve()

  constructor(loaded: LoadedConfig, file: CredentialFile) {
    this.#config = loaded.config
    this.#file = file
    const { certificate, privateKey } = loaded
    this.#present = {
      pair: { certificate, privateKey },
      slot: new Slot({ ...loaded.config, certificate }),
    }
    this.#staged = loaded.config.staged ? opened(loaded.config.staged.credentials) : null
  }

  get slots(): readonly Slot[] {
    return this.#staged ? [this.#present.slot, this.#staged.slot] : [this.#present.slot]
  }

  get present(): KeyPair {
    return this.#present.pair
  }

  get staged(): KeyPair | null {
    return this.#staged?.pair ?? null
  }

  /** Whoever was let in by the staged set has shown that it works. */
  noteUse(slot: Slot): void {
    if (slot === this.#staged?.slot) this.#isProven = true
  }

  stage(rotationId: string, credentials: CredentialSet): Promise<'staged' | 'committed'> {
    return this.#inTurn(async () => {
      if (this.#config.committed_rotation === rotationId) return 'committed'
      const known = this.#config.staged
      if (known?.rotation_id === rotationId) {
        if (JSON.stringify(known.credentials) === JSON.stringify(credentials)) return 'staged'
        throw conflict(rotationId)
      }
      const staged = opened(credentials)
      this.#config = await onDisk(() => this.#file.stage(this.#config, rotationId, credentials))
      this.#staged = staged
      this.#isProven = false
      this.onChange()
      return 'staged'
    })
  }

  commit(rotationId: string): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#config.committed_rotation === rotationId) return
      if (!this.#staged || this.#config.staged?.rotation_id !== rotationId) throw notStaged(rotationId)
      if (!this.#isProven) throw notProven(rotationId)
      this.#config = await onDisk(() => this.#file.commit(this.#config))
      this.#present = this.#staged
      this.#staged = null
      this.onChange()
    })
  }

  /** Changes come one after the other: two at once would write one file. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work)
    this.#turn = done.catch(() => undefined) // whoever asked for it is told
    return done
  }
}

function opened(credentials: CredentialSet): { pair: KeyPair; slot: Slot } {
  const { certificate, private_key: privateKey } = credentials
  let isPair = false
  try {
    isPair = new X509Certificate(certificate).checkPrivateKey(createPrivateKey(privateKey))
  } catch {
    // OpenSSL's words help nobody, and an error about a key must not carry any of it.
  }
  if (!isPair) {
    const fields = [{ field: 'params.credentials', message: 'certificate and private_key are no pair' }]
    throw new RollcallError('request.invalid', 'The private key does not belong to the certificate.', {
      fields,
    })
  }
  return { pair: { certificate, privateKey }, slot: new Slot({ ...credentials, require_signatures: true }) }
}

async function onDisk<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write()
  } catch (error) {
    if (!isDiskFault(error)) throw error
    throw new RollcallError(
      'credentials.not_written',
      `The agent cannot write its configuration (${errorCode(error)}). Where the file system is read-only for it, its unit is of an earlier release: install the agent again. Otherwise make room on the host's disk.`,
      { outcome: 'unknown', cause: error },
    )
  }
}

const conflict = (id: string) =>
  new RollcallError(
    'credentials.conflict',
    `Rotation ${id} was staged with other credentials. Begin a new one.`,
  )
const notStaged = (id: string) =>
  new RollcallError('credentials.not_staged', `Rotation ${id} is not staged on this agent. Stage it again.`)
const notProven = (id: string) =>
  new RollcallError(
    'credentials.not_proven',
    `Nobody has called with the credentials of rotation ${id} yet. Commit it by a call that uses them.`,
  )
