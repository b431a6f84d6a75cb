import type { Client } from 'ssh2'
import { asRoot, findRootAccess } from './become-root.ts'
import { deferred } from './deferred.ts'
import { runOnChannel } from './exec-channel.ts'
import type { HostKey } from './host-key.ts'
import { uploadFile } from './sftp-upload.ts'
import { openShellChannel } from './shell-channel.ts'
import { connectionLost, type SshPlace } from './ssh-failure.ts'
import type {
  PutFileOptions,
  RootAccess,
  SshExecOptions,
  SshExecResult,
  SshSession,
  SshShell,
  SshShellOptions,
} from './ssh-session.ts'

const DEFAULT_EXEC_TIMEOUT_MS = 60_000
const CLOSE_TIMEOUT_MS = 2_000

interface SessionParts {
  place: SshPlace
  client: Client
  hostKey: HostKey
  /** What sudo is told if it asks. */
  sudoPassword: string | undefined
  /** Ends the session. */
  signal: AbortSignal
}

/** An `SshSession` on the ssh2 package. */
export class Ssh2Session implements SshSession {
  readonly hostKey: HostKey
  readonly #parts: SessionParts
  /** Aborted with the error that calls fail with, once the connection is gone. */
  readonly #gone = new AbortController()
  readonly #closed = deferred<void>()
  #root: Promise<RootAccess> | undefined
  #lastError: Error | undefined

  constructor(parts: SessionParts) {
    this.#parts = parts
    this.hostKey = parts.hostKey
    const onAbort = () => this.#end(parts.signal.reason)
    parts.client.on('error', (error) => {
      this.#lastError = error
    })
    parts.client.once('close', () => {
      parts.signal.removeEventListener('abort', onAbort)
      this.#gone.abort(connectionLost(parts.place, 'it was in use', this.#lastError))
      this.#closed.resolve()
    })
    parts.signal.addEventListener('abort', onAbort, { once: true })
    if (parts.signal.aborted) onAbort()
  }

  async exec(argv: readonly string[], options: SshExecOptions = {}): Promise<SshExecResult> {
    const { becomeRoot = false, timeoutMs = DEFAULT_EXEC_TIMEOUT_MS } = options
    const stdin = Buffer.from(options.stdin ?? '')
    const root = becomeRoot ? asRoot(await this.ensureRoot(), argv, stdin) : { argv }
    const { place, client } = this.#parts
    return runOnChannel(client, root.argv, {
      ...options,
      place,
      timeoutMs,
      stdin,
      dialogue: root.dialogue,
      gone: this.#gone.signal,
    })
  }

  ensureRoot(): Promise<RootAccess> {
    const { place, sudoPassword } = this.#parts
    this.#root ??= findRootAccess((argv, options) => this.exec(argv, options), place, sudoPassword)
    return this.#root
  }

  async putFile(source: string | Buffer, remotePath: string, options: PutFileOptions): Promise<void> {
    const { client, place } = this.#parts
    await uploadFile(client, source, remotePath, { ...options, place, gone: this.#gone.signal })
  }

  openShell(options: SshShellOptions): Promise<SshShell> {
    const { client, place } = this.#parts
    return openShellChannel(client, { ...options, place, gone: this.#gone.signal })
  }

  async close(): Promise<void> {
    this.#parts.client.end()
    const giveUp = setTimeout(() => this.#parts.client.destroy(), CLOSE_TIMEOUT_MS)
    await this.#closed.promise
    clearTimeout(giveUp)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #end(reason: unknown): void {
    this.#gone.abort(reason)
    this.#parts.client.destroy()
  }
}
