import type { Readable } from 'node:stream'
import type { ClientChannel } from 'ssh2'
import { toLoginEndedError, toLoginFloodError, toLoginStuckError } from './login-failure.ts'
import { type LoginMarks, LoginPreamble } from './login-preamble.ts'
import { type SshPlace, toConnectionLostError } from './ssh-failure.ts'
import type { OutputStream, SshExecOptions, SshExecResult } from './ssh-session.ts'
import type { SudoAnswer, SudoDialogue } from './sudo-dialogue.ts'

/** The standard input of a program: all of it, or pieces that are made on demand. */
export type ChannelInput = Buffer | (() => AsyncIterable<Buffer>)

export interface ChannelOptions extends Omit<SshExecOptions, 'stdin'> {
  place: SshPlace
  stdin: ChannelInput
  /** Decides when standard input is written; by default, once the program has started. */
  dialogue?: SudoDialogue | undefined
  timeoutMs: number
  /** Aborted with the error to fail with when the connection is lost. */
  gone: AbortSignal
  /** Receives what login files printed on standard output before the program started. */
  onLoginOutput?: (words: string) => void
}

/** The time for login files before our program starts. */
const BEGIN_TIMEOUT_MS = 30_000
/** After the program ends, other programs started by a login file may hold its streams open indefinitely. */
const LINGER_MS = 5_000

/**
 * Handles the channel of one program: the output of its login, an optional dialogue with sudo, then its own streams.
 * Settles `ended` once the program has ended and all of its output was consumed.
 */
export class ProgramChannel {
  readonly #channel: ClientChannel
  readonly #options: ChannelOptions
  readonly #ended: PromiseWithResolvers<SshExecResult>
  readonly #login: Record<OutputStream, LoginPreamble>
  #result: SshExecResult | undefined
  #hasBegun = false
  #delivered: Promise<void> = Promise.resolve()
  #stuck: NodeJS.Timeout | undefined
  #linger: NodeJS.Timeout | undefined
  /** The number of output pieces not yet consumed. */
  #pending = 0

  constructor(
    channel: ClientChannel,
    marks: LoginMarks,
    options: ChannelOptions,
    ended: PromiseWithResolvers<SshExecResult>,
  ) {
    this.#channel = channel
    this.#options = options
    this.#ended = ended
    this.#login = { stdout: new LoginPreamble(marks.stdout), stderr: new LoginPreamble(marks.stderr) }
  }

  /** Starts listening. Call it in the response that opens the channel, because output may arrive with it. */
  listen(): void {
    const { place, dialogue } = this.#options
    const channel = this.#channel
    const giveUp = () => this.#fail(toLoginStuckError(place, this.#loginText, BEGIN_TIMEOUT_MS))
    this.#stuck = setTimeout(giveUp, BEGIN_TIMEOUT_MS)
    this.#consume('stdout', channel)
    this.#consume('stderr', channel.stderr)
    channel.stderr.once('end', () => this.#deliver('stderr', dialogue?.end() ?? Buffer.alloc(0)))
    const streamsEnded = Promise.all([channel, channel.stderr].map(whenEnded))
    channel.on('exit', (code: number | null, signalName?: string) => {
      this.#result = { exitCode: code, signal: code === null ? (signalName ?? 'UNKNOWN') : null }
      // A program that exits with its input open would otherwise leave the channel half open.
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
    // Writing to a program that does not read all of its input is no error; its exit code reports the result.
    channel.on('error', () => undefined)
  }

  /** The output of the login, on both streams. */
  get #loginText(): string {
    return [this.#login.stdout.text, this.#login.stderr.text].filter(Boolean).join('\n')
  }

  #settle(): void {
    const { place, gone } = this.#options
    const result = this.#result
    if (!result) this.#ended.reject(gone.reason ?? toConnectionLostError(place, 'a program was running'))
    else if (!this.#hasBegun) this.#ended.reject(toLoginEndedError(place, this.#loginText, result))
    else this.#ended.resolve(result)
  }

  #fail(error: unknown): void {
    this.#ended.reject(error)
    this.#channel.close()
  }

  #consume(stream: OutputStream, source: Readable): void {
    source.on('data', (raw: Buffer) => {
      this.#waitForSilence()
      const data = this.#ownOutput(stream, raw)
      if (data.length === 0) return
      source.pause()
      this.#pending++
      this.#deliver(stream, data).then(
        () => {
          this.#pending--
          source.resume()
        },
        () => undefined,
      )
    })
  }

  /** Closes the channel of an ended program after a period of silence. */
  #waitForSilence(): void {
    clearTimeout(this.#linger)
    if (!this.#result) return
    this.#linger = setTimeout(() => {
      if (this.#pending > 0) return this.#waitForSilence()
      this.#settle()
      this.#channel.close()
    }, LINGER_MS)
  }

  #deliver(stream: OutputStream, data: Buffer): Promise<void> {
    const { onOutput } = this.#options
    if (data.length > 0 && onOutput) this.#delivered = this.#delivered.then(() => onOutput(stream, data))
    this.#delivered.catch((error: unknown) => this.#fail(error))
    return this.#delivered
  }

  /** Returns the program's own part of a piece, and passes the rest on. */
  #ownOutput(stream: OutputStream, raw: Buffer): Buffer {
    const { place, dialogue } = this.#options
    const login = this.#login[stream]
    const data = login.consume(raw)
    if (!login.isOver && login.isTooLong) this.#fail(toLoginFloodError(place, this.#loginText))
    if (this.#login.stdout.isOver) this.#begin()
    if (stream === 'stdout' || !dialogue) return data
    const { shown, answers } = dialogue.consume(data)
    this.#answer(answers)
    return shown
  }

  /** Sends the program its input, once; earlier, a login file could read it. */
  #begin(): void {
    if (this.#hasBegun) return
    this.#hasBegun = true
    clearTimeout(this.#stuck)
    const { dialogue, onLoginOutput } = this.#options
    if (this.#login.stdout.text !== '') onLoginOutput?.(this.#login.stdout.text)
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

/** Writes input with backpressure, then closes standard input unless it is held open. */
async function writeInput(channel: ClientChannel, input: ChannelInput, isHeldOpen: boolean): Promise<void> {
  const finish = (last?: Buffer) => (isHeldOpen ? last && channel.write(last) : channel.end(last))
  if (Buffer.isBuffer(input)) {
    finish(input)
    return
  }
  for await (const piece of input()) {
    if (!channel.writable) return
    if (!channel.write(piece)) await whenDrained(channel)
  }
  finish()
}

const whenDrained = (channel: ClientChannel) =>
  new Promise<void>((resolve) => {
    const settle = () => {
      channel.removeListener('drain', settle)
      channel.removeListener('close', settle)
      resolve()
    }
    channel.once('drain', settle)
    channel.once('close', settle)
  })

const whenEnded = (stream: Readable) =>
  new Promise<void>((resolve) => {
    stream.once('end', resolve)
    stream.once('close', resolve)
  })
