import { createPrivateKey, X509Certificate } from 'node:crypto'
import { RollcallError } from '@rollcall/contracts'
import type { AgentConfig, CredentialSet } from '@rollcall/contracts/agent'
import { errorCode, isDiskFault } from '../../platform/files.ts'
import type { LoadedConfig } from '../load-config.ts'
import type { CredentialFile } from './credential-file.ts'
import { CredentialSlot } from './credential-slot.ts'

/** The certificate that the agent presents in a handshake, with its key. */
export interface KeyPair {
  certificate: string
  privateKey: string
}

/**
 * Holds the credentials that callers may use: one set, or two during a rotation. Every step is on the disk before it is confirmed, so a
 * crash between any two leaves a set that callers still have.
 */
export class CredentialsService {
  #config: AgentConfig
  #present: { pair: KeyPair; slot: CredentialSlot }
  #staged: { pair: KeyPair; slot: CredentialSlot } | null
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
      slot: new CredentialSlot({ ...loaded.config, certificate }),
    }
    this.#staged = loaded.config.staged ? openSet(loaded.config.staged.credentials) : null
  }

  get slots(): readonly CredentialSlot[] {
    return this.#staged ? [this.#present.slot, this.#staged.slot] : [this.#present.slot]
  }

  get present(): KeyPair {
    return this.#present.pair
  }

  get staged(): KeyPair | null {
    return this.#staged?.pair ?? null
  }

  /** Notes that a caller was admitted with this set: a staged set is thereby proven to work. */
  noteUse(slot: CredentialSlot): void {
    if (slot === this.#staged?.slot) this.#isProven = true
  }

  /** Adds a second set of credentials; repeatable. Throws `credentials.conflict`, `credentials.not_written`, `request.invalid`. */
  stage(rotationId: string, credentials: CredentialSet): Promise<'staged' | 'committed'> {
    return this.#inTurn(async () => {
      if (this.#config.committed_rotation === rotationId) return 'committed'
      const known = this.#config.staged
      if (known?.rotation_id === rotationId) {
        if (JSON.stringify(known.credentials) === JSON.stringify(credentials)) return 'staged'
        throw conflict(rotationId)
      }
      const staged = openSet(credentials)
      this.#config = await withDiskError(() => this.#file.stage(this.#config, rotationId, credentials))
      this.#staged = staged
      this.#isProven = false
      this.onChange()
      return 'staged'
    })
  }

  /** Makes the staged set the only one; repeatable. Throws `credentials.not_staged`, `credentials.not_proven`, `credentials.not_written`. */
  commit(rotationId: string): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#config.committed_rotation === rotationId) return
      if (!this.#staged || this.#config.staged?.rotation_id !== rotationId) throw notStaged(rotationId)
      if (!this.#isProven) throw notProven(rotationId)
      this.#config = await withDiskError(() => this.#file.commit(this.#config))
      this.#present = this.#staged
      this.#staged = null
      this.onChange()
    })
  }

  /** Runs changes one after the other, since two at once would write the same file. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work)
    this.#turn = done.catch(() => undefined) // reported to its caller
    return done
  }
}

function openSet(credentials: CredentialSet): { pair: KeyPair; slot: CredentialSlot } {
  const { certificate, private_key: privateKey } = credentials
  let isPair = false
  try {
    isPair = new X509Certificate(certificate).checkPrivateKey(createPrivateKey(privateKey))
  } catch {
    // OpenSSL's message may contain a part of the key.
  }
  if (!isPair) {
    const fields = [{ field: 'params.credentials', message: 'private_key must belong to certificate' }]
    throw new RollcallError('request.invalid', 'The private key does not belong to the certificate.', {
      fields,
    })
  }
  return {
    pair: { certificate, privateKey },
    slot: new CredentialSlot({ ...credentials, require_signatures: true }),
  }
}

/** Converts a fault of the disk to `credentials.not_written`. */
async function withDiskError<T>(write: () => Promise<T>): Promise<T> {
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
    `Rotation ${id} was staged with other credentials. Start a new one.`,
  )
const notStaged = (id: string) =>
  new RollcallError('credentials.not_staged', `Rotation ${id} is not staged on this agent. Stage it again.`)
const notProven = (id: string) =>
  new RollcallError(
    'credentials.not_proven',
    `No call has used the credentials of rotation ${id} yet. Commit it by a call that uses them.`,
  )
