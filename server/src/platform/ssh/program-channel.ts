import type { Readable } from 'node:stream'
import type { ClientChannel } from 'ssh2'
import type { Deferred } from './deferred.ts'
import { loginEnded, loginFloods, loginStuck } from './login-failure.ts'
import { type LoginMarks, LoginPreamble } from './login-preamble.ts'
import { connectionLost, type SshPlace } from './ssh-failure.ts'
import type { OutputStream, SshExecOptions, SshExecResult } from './ssh-session.ts'
import type { SudoAnswer, SudoDialogue } from './sudo-dialogue.ts'

/** The standard input of a program: all of it, or pieces that are made on demand. */
export type ChannelInput = Buffer | (() => AsyncIterable<Buffer>)

export interface ChannelOptions extends Omit<SshExecOptions, 'stdin'> {
  place: SshPlace
  stdin: ChannelInput
  /** Decides when standard input is written; without one it is written as soon as the program has begun. */
  dialogue?: SudoDialogue | undefined
  timeoutMs: number
  /** Aborted, with the error to fail with, when the connection is gone. */
  gone: AbortSignal
  /** Told what login files printed on standard output before the program began. */
  onLoginOutput?: (words: string) => void
}

/** Login files and what they start may take so long before our program begins. */
const BEGIN_WITHIN_MS = 30_000
/** After the end of the program, others that a login file has started may hold its outputs open for ever. */
const LINGER_MS = 5_000

/**
 * The channel of one program: its login's own output first, then perhaps a talk with sudo, then the
 * program's input and outputs. Settles `ended` when the program has ended and every byte of its output was taken.
 */
export class ProgramChannel {
  readonly #channel: ClientChannel
  readonly #options: ChannelOptions
  readonly #ended: Deferred<SshExecResult>
  readonly #login: Record<OutputStream, LoginPreamble>
  #result: SshExecResult | undefined
  #hasBegun = false
  #delivered: Promise<void> = Promise.resolve()
  #stuck: NodeJS.Timeout | undefined
  #linger: NodeJS.Timeout | undefined
  /** Pieces of output that are not taken yet. */
  #pending = 0

  constructor(
    channel: ClientChannel,
    marks: LoginMarks,
    options: ChannelOptions,
    ended: Deferred<SshExecResult>,
  ) {
    this.#channel = channel
    this.#options = options
    this.#ended = ended
    this.#login = { stdout: new LoginPreamble(marks.stdout), stderr: new LoginPreamble(marks.stderr) }
  }

  /** Listens from now on. Call it in the answer that opens the channel: the next may follow in the same piece. */
  attend(): void {
    const { place, dialogue } = this.#options
    const channel = this.#channel
    const giveUp = () => this.#fail(loginStuck(place, this.#words, BEGIN_WITHIN_MS))
    this.#stuck = setTimeout(giveUp, BEGIN_WITHIN_MS)
    this.#take('stdout', channel)
    this.#take('stderr', channel.stderr)
    channel.stderr.once('end', () => this.#show('stderr', dialogue?.end() ?? Buffer.alloc(0)))
    const streamsEnded = Promise.all([channel, channel.stderr].map(endOf))
    channel.on('exit', (code: number | null, signalName?: string) => {
      this.#result = { exitCode: code, signal: code === null ? (signalName ?? 'UNKNOWN') : null }
      // A program that left with its input still open would otherwise keep the channel half open.
      channel.end()
      this.#waitForSilence()
    })
    channel.on('close', () => {
      clearTimeout(this.#stuck)
      clearTimeout(this.#linger)
      void streamsEnded
        .then(() => this.#delivered)
        .then(
          () => this.#settle(),
          (error: unknown) => this.#ended.reject(error),
        )
    })
    // Writing to a program that does not read to the end is no error: its exit code tells how it fared.
    channel.on('error', () => undefined)
  }

  /** The output of the login, on both streams. */
  get #words(): string {
    return [this.#login.stdout.words, this.#login.stderr.words].filter(Boolean).join('\n')
  }

  #settle(): void {
    const { place, gone } = this.#options
    const result = this.#result
    if (!result) this.#ended.reject(gone.reason ?? connectionLost(place, 'a program was running'))
    else if (!this.#hasBegun) this.#ended.reject(loginEnded(place, this.#words, result))
    else this.#ended.resolve(result)
  }

  #fail(error: unknown): void {
    this.#ended.reject(error)
    this.#channel.close()
  }

  #take(stream: OutputStream, source: Readable): void {
    source.on('data', (raw: Buffer) => {
      this.#waitForSilence()
      const data = this.#ownOutput(stream, raw)
      if (data.length === 0) return
      source.pause()
      this.#pending++
      this.#show(stream, data).then(
        () => {
          this.#pending--
          source.resume()
        },
        () => undefined,
      )
    })
  }

  /** Closes the channel of a program that has ended when nothing has come from it for a while. */
  #waitForSilence(): void {
    clearTimeout(this.#linger)
    if (!this.#result) return
    this.#linger = setTimeout(() => {
      if (this.#pending > 0) return this.#waitForSilence()
      this.#settle()
      this.#channel.close()
    }, LINGER_MS)
  }

  #show(stream: OutputStream, data: Buffer): Promise<void> {
    const { onOutput } = this.#options
    if (data.length > 0 && onOutput) this.#delivered = this.#delivered.then(() => onOutput(stream, data))
    this.#delivered.catch((error: unknown) => this.#fail(error))
    return this.#delivered
  }

  /** Returns the program's own part of a piece, and passes the rest on. */
  #ownOutput(stream: OutputStream, raw: Buffer): Buffer {
    const { place, dialogue } = this.#options
    const login = this.#login[stream]
    const data = login.take(raw)
    if (!login.isOver && login.isTooLong) this.#fail(loginFloods(place, this.#words))
    if (this.#login.stdout.isOver) this.#begin()
    if (stream === 'stdout' || !dialogue) return data
    const { shown, answers } = dialogue.take(data)
    this.#answer(answers)
    return shown
  }

  /** Gives the program its input, once: before that, a login file could read it. */
  #begin(): void {
    if (this.#hasBegun) return
    this.#hasBegun = true
    clearTimeout(this.#stuck)
    const { dialogue, onLoginOutput } = this.#options
    if (this.#login.stdout.words !== '') onLoginOutput?.(this.#login.stdout.words)
    this.#answer(dialogue ? dialogue.begin() : ['input'])
  }

  #answer(answers: readonly SudoAnswer[]): void {
    const { stdin, isStdinHeldOpen } = this.#options
    for (const answer of answers) {
      if (answer === 'end') this.#channel.end()
      else if (answer !== 'input') this.#channel.write(answer)
      else writeInput(this.#channel, stdin, isStdinHeldOpen === true).catch((error) => this.#fail(error))
    }
  }
}

/** Writes no faster than the host reads. Closes standard input behind it unless that is to stay open. */
async function writeInput(channel: ClientChannel, input: ChannelInput, isHeldOpen: boolean): Promise<void> {
  const finish = (last?: Buffer) => (isHeldOpen ? last && channel.write(last) : channel.end(last))
  if (Buffer.isBuffer(input)) {
    finish(input)
    return
  }
  for await (const piece of input()) {
    if (!channel.writable) return
    if (!channel.write(piece)) await drained(channel)
  }
  finish()
}

const drained = (channel: ClientChannel) =>
  new Promise<void>((resolve) => {
    const settle = () => {
      channel.removeListener('drain', settle)
      channel.removeListener('close', settle)
      resolve()
    }
    channel.once('drain', settle)
    channel.once('close', settle)
  })

const endOf = (stream: Readable) =>
  new Promise<void>((resolve) => {
    stream.once('end', resolve)
    stream.once('close', resolve)
  })
