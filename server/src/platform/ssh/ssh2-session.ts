import { sanitizeText } from '@rollcall/contracts'
import type { Client } from 'ssh2'
import { asRoot, findRootAccess } from './become-root.ts'
import { ChannelQueue } from './channel-queue.ts'
import { runOnChannel } from './exec-channel.ts'
import type { HostKey } from './host-key.ts'
import type { ChannelInput } from './program-channel.ts'
import { SftpUnavailableError, uploadFile } from './sftp-upload.ts'
import { openShellChannel } from './shell-channel.ts'
import { uploadThroughShell } from './shell-upload.ts'
import { type SshPlace, toConnectionLostError } from './ssh-failure.ts'
import type {
  FileSent,
  PutFileOptions,
  RootAccess,
  SshExecOptions,
  SshExecResult,
  SshSession,
  SshShell,
  SshShellOptions,
} from './ssh-session.ts'
import type { SudoDialogue } from './sudo-dialogue.ts'

const DEFAULT_EXEC_TIMEOUT_MS = 60_000
const CLOSE_TIMEOUT_MS = 2_000

interface RunOptions extends Omit<SshExecOptions, 'stdin' | 'becomeRoot'> {
  stdin: ChannelInput
  dialogue?: SudoDialogue | undefined
}

interface SessionParts {
  place: SshPlace
  client: Client
  hostKey: HostKey
  /** The password for sudo. */
  sudoPassword: string | undefined
  /** Ends the session. */
  signal: AbortSignal
}

/** Implements `SshSession` with the ssh2 package. */
export class Ssh2Session implements SshSession {
  readonly hostKey: HostKey
  readonly #parts: SessionParts
  /** Aborted with the error that calls fail with once the connection is lost. */
  readonly #gone = new AbortController()
  readonly #closed = Promise.withResolvers<void>()
  #root: Promise<RootAccess> | undefined
  #lastError: Error | undefined
  readonly #channels = new ChannelQueue()
  /** Why SFTP is not used; undefined while it may work. */
  #noSftp: string | undefined

  constructor(parts: SessionParts) {
    this.#parts = parts
    this.hostKey = parts.hostKey
    const onAbort = () => this.#end(parts.signal.reason)
    parts.client.on('error', (error) => {
      this.#lastError = error
    })
    parts.client.once('close', () => {
      parts.signal.removeEventListener('abort', onAbort)
      this.#gone.abort(toConnectionLostError(parts.place, 'it was in use', this.#lastError))
      this.#closed.resolve()
    })
    parts.signal.addEventListener('abort', onAbort, { once: true })
    if (parts.signal.aborted) onAbort()
  }

  async exec(argv: readonly string[], options: SshExecOptions = {}): Promise<SshExecResult> {
    const root = options.becomeRoot ? asRoot(await this.ensureRoot(), argv) : { argv }
    return this.#run(root.argv, {
      ...options,
      stdin: Buffer.from(options.stdin ?? ''),
      dialogue: root.dialogue,
    })
  }

  ensureRoot(): Promise<RootAccess> {
    const { place, sudoPassword } = this.#parts
    this.#root ??= findRootAccess((argv, options) => this.exec(argv, options), place, sudoPassword)
    return this.#root
  }

  async putFile(source: string | Buffer, remotePath: string, options: PutFileOptions): Promise<FileSent> {
    if (this.#noSftp === undefined)
      try {
        await this.#sendBySftp(source, remotePath, options)
        return { by: 'sftp' }
      } catch (error) {
        if (!(error instanceof SftpUnavailableError)) throw error
        this.#noSftp = error.message
      }
    const { place } = this.#parts
    await uploadThroughShell((argv, how) => this.#run(argv, how), place, source, remotePath, options)
    return { by: 'shell', why: this.#noSftp }
  }

  openShell(options: SshShellOptions): Promise<SshShell> {
    const { client, place } = this.#parts
    const opening = Promise.withResolvers<SshShell>()
    const gone = this.#gone.signal
    const { signal } = options
    this.#channels
      .run(AbortSignal.any([gone, signal]), async () => {
        const shell = await openShellChannel(client, { ...options, place, gone })
        opening.resolve(shell)
        await shell.ended.catch(() => undefined) // reported to the caller by `ended`
      })
      .catch(opening.reject)
    return opening.promise
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

  #run(argv: readonly string[], options: RunOptions): Promise<SshExecResult> {
    const { place, client } = this.#parts
    const { timeoutMs = DEFAULT_EXEC_TIMEOUT_MS, signal } = options
    const gone = this.#gone.signal
    return this.#channels.run(signal ? AbortSignal.any([gone, signal]) : gone, () =>
      runOnChannel(client, argv, { ...options, place, timeoutMs, gone, onLoginOutput: this.#onLoginOutput }),
    )
  }

  #sendBySftp(source: string | Buffer, remotePath: string, options: PutFileOptions): Promise<void> {
    const { client, place } = this.#parts
    const gone = this.#gone.signal
    const turn = options.signal ? AbortSignal.any([gone, options.signal]) : gone
    return this.#channels.run(turn, () => uploadFile(client, source, remotePath, { ...options, place, gone }))
  }

  readonly #onLoginOutput = (words: string) => {
    this.#noSftp ??= `login files of the user print "${sanitizeText(words.replace(/\s+/g, ' '), 60)}" into it; they should print only at a terminal ([ -t 1 ])`
  }

  #end(reason: unknown): void {
    this.#gone.abort(reason)
    this.#parts.client.destroy()
  }
}
