import type { Readable } from 'node:stream'
import { RollcallError } from '@rollcall/contracts'
import type { Client, ClientChannel } from 'ssh2'
import { type Deferred, deferred } from './deferred.ts'
import { loginEnded, loginFloods, loginStuck } from './login-failure.ts'
import { type LoginMarks, LoginPreamble, newMarks } from './login-preamble.ts'
import { openChannel } from './open-channel.ts'
import { quoteArgv } from './shell-quote.ts'
import { connectionLost, describePlace, type SshPlace } from './ssh-failure.ts'
import type { OutputStream, SshExecOptions, SshExecResult } from './ssh-session.ts'
import type { SudoAnswer, SudoDialogue } from './sudo-dialogue.ts'

/** What goes to a program's standard input: all of it, or pieces that are made as they are taken. */
export type ChannelInput = Buffer | (() => AsyncIterable<Buffer>)

interface ChannelOptions extends Omit<SshExecOptions, 'stdin'> {
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
/** For a program whose input was closed so that it ends. */
const END_WITHIN_MS = 20_000
const CLOSE_WITHIN_MS = 2_000

/** Runs one program on a channel of its own. Settles when it has ended and every byte of its output was taken. */
export async function runOnChannel(
  client: Client,
  argv: readonly string[],
  options: ChannelOptions,
): Promise<SshExecResult> {
  const { place, gone, timeoutMs, signal, endInput } = options
  const program = argv[0] ?? ''
  const timeout = AbortSignal.timeout(timeoutMs)
  const overdue = new AbortController()
  const stop = AbortSignal.any([gone, timeout, overdue.signal, ...(signal ? [signal] : [])])
  const why = () =>
    stop.reason === timeout.reason && timeout.aborted ? tooSlow(place, program, timeoutMs) : stop.reason
  if (stop.aborted) throw why()

  const ended = deferred<SshExecResult>()
  ended.promise.catch(() => undefined) // Of a program that was given up while it was being started, nobody asks.
  const marks = newMarks()
  let closed: Promise<void> | undefined
  const channel = await openChannel<ClientChannel>(place, `starting ${program}`, stop, (done) =>
    client.exec(quoteArgv(argv, marks), (error, opened) => {
      // At once: what a quick program says, and that it has ended, may come in the same piece as this answer.
      if (opened && stop.aborted) opened.close()
      else if (opened) {
        closed = new Promise((resolve) => opened.once('close', () => resolve()))
        attend(opened, marks, options, ended)
      }
      done(error, opened)
    }),
  ).catch((error) => {
    throw stop.aborted ? why() : error
  })
  const onStop = () => {
    // TERM reaches what runs as our own user; the closed channel is what tells a program run through sudo.
    channel.signal('TERM')
    channel.close()
    ended.reject(why())
  }
  const giveUp = () => overdue.abort(tooSlow(place, program, END_WITHIN_MS))
  stop.addEventListener('abort', onStop, { once: true })
  let leaveInput: (() => void) | undefined
  try {
    if (stop.aborted) onStop()
    leaveInput = endInput && closeInputBy(endInput, channel, giveUp)
    return await ended.promise
  } finally {
    leaveInput?.()
    stop.removeEventListener('abort', onStop)
    // The next channel may be refused while this one is open.
    await Promise.race([closed, aborted(gone), expired(CLOSE_WITHIN_MS)])
  }
}

const aborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })

const expired = (timeoutMs: number) =>
  new Promise<void>((resolve) => {
    setTimeout(resolve, timeoutMs).unref()
  })

/** Closes the input when `endInput` fires, and calls `giveUp` some time after that. Returns how to leave both undone. */
function closeInputBy(endInput: AbortSignal, channel: ClientChannel, giveUp: () => void): () => void {
  let grace: NodeJS.Timeout | undefined
  const close = () => {
    channel.end()
    grace = setTimeout(giveUp, END_WITHIN_MS)
  }
  if (endInput.aborted) close()
  else endInput.addEventListener('abort', close, { once: true })
  return () => {
    clearTimeout(grace)
    endInput.removeEventListener('abort', close)
  }
}

type Ending = Deferred<SshExecResult>

function attend(channel: ClientChannel, marks: LoginMarks, options: ChannelOptions, ended: Ending): void {
  const { place, stdin, isStdinHeldOpen, onOutput, dialogue, gone } = options
  const login = { stdout: new LoginPreamble(marks.stdout), stderr: new LoginPreamble(marks.stderr) }
  let result: SshExecResult | undefined
  let delivered: Promise<void> = Promise.resolve()

  const fail = (error: unknown) => {
    ended.reject(error)
    channel.close()
  }
  const show = (stream: OutputStream, data: Buffer): Promise<void> => {
    if (data.length > 0 && onOutput) delivered = delivered.then(() => onOutput(stream, data))
    delivered.catch(fail)
    return delivered
  }
  const take = (stream: OutputStream, source: Readable) => {
    source.on('data', (raw: Buffer) => {
      const own = login[stream].take(raw)
      if (!login[stream].isOver && login[stream].isTooLong) fail(loginFloods(place, words()))
      if (stream === 'stdout' && login.stdout.isOver) begin()
      const data = stream === 'stderr' ? converse(own) : own
      if (data.length === 0) return
      source.pause()
      show(stream, data).then(
        () => source.resume(),
        () => undefined,
      )
    })
  }
  const hand = (input: ChannelInput) => void writeInput(channel, input, isStdinHeldOpen === true).catch(fail)
  const answer = (answers: SudoAnswer[]) => {
    for (const next of answers) {
      if (next === 'end') channel.end()
      else if (next === 'input') hand(stdin)
      else channel.write(next)
    }
  }
  const converse = (data: Buffer): Buffer => {
    if (!dialogue) return data
    const { shown, answers } = dialogue.take(data)
    answer(answers)
    return shown
  }
  let hasBegun = false
  // Before that, a login file could read what is meant for the program.
  const begin = () => {
    if (hasBegun) return
    hasBegun = true
    clearTimeout(stuck)
    if (login.stdout.words !== '') options.onLoginOutput?.(login.stdout.words)
    if (dialogue) answer(dialogue.begin())
    else hand(stdin)
  }
  const words = () => [login.stdout.words, login.stderr.words].filter(Boolean).join('\n')
  const stuck = setTimeout(() => fail(loginStuck(place, words(), BEGIN_WITHIN_MS)), BEGIN_WITHIN_MS)
  take('stdout', channel)
  take('stderr', channel.stderr)

  channel.stderr.once('end', () => show('stderr', dialogue?.end() ?? Buffer.alloc(0)))
  const streamsEnded = Promise.all([channel, channel.stderr].map(endOf))
  channel.on('exit', (code: number | null, signalName?: string) => {
    result = { exitCode: code, signal: code === null ? (signalName ?? 'UNKNOWN') : null }
    // A program that left with its input still open would otherwise keep the channel half open.
    channel.end()
  })
  channel.on('close', () => {
    clearTimeout(stuck)
    void streamsEnded
      .then(() => delivered)
      .then(() => {
        if (!result) ended.reject(gone.reason ?? connectionLost(place, 'a program was running'))
        else if (!hasBegun) ended.reject(loginEnded(place, words(), result))
        else ended.resolve(result)
      }, ended.reject)
  })
  // Writing to a program that does not read to the end is no error: its exit code tells how it fared.
  channel.on('error', () => undefined)
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

const tooSlow = (place: SshPlace, program: string, timeoutMs: number) =>
  new RollcallError(
    'ssh.connection_lost',
    `${program} on ${describePlace(place)} did not end within ${timeoutMs / 1000} s and was told to stop. Check the load of the host and try again.`,
    { outcome: 'unknown' },
  )
