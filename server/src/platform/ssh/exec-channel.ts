import type { Readable } from 'node:stream'
import { RollcallError } from '@rollcall/contracts'
import type { Client, ClientChannel } from 'ssh2'
import { type Deferred, deferred } from './deferred.ts'
import { quoteArgv } from './shell-quote.ts'
import { connectionLost, describePlace, type SshPlace } from './ssh-failure.ts'
import type { OutputStream, SshExecOptions, SshExecResult } from './ssh-session.ts'
import type { SudoDialogue } from './sudo-dialogue.ts'

interface ChannelOptions extends Omit<SshExecOptions, 'stdin'> {
  place: SshPlace
  stdin: Buffer
  /** Decides when standard input is written; without one it is written at once. */
  dialogue?: SudoDialogue | undefined
  timeoutMs: number
  /** Aborted, with the error to fail with, when the connection is gone. */
  gone: AbortSignal
}

/** For a program whose input was closed so that it ends. */
const END_WITHIN_MS = 20_000

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
  let channel: ClientChannel | undefined
  const onStop = () => {
    // TERM reaches what runs as our own user; the closed channel is what tells a program run through sudo.
    channel?.signal('TERM')
    channel?.close()
    ended.reject(why())
  }
  const giveUp = () => overdue.abort(tooSlow(place, program, END_WITHIN_MS))
  let leaveInput: (() => void) | undefined
  stop.addEventListener('abort', onStop, { once: true })
  try {
    client.exec(quoteArgv(argv), (error, opened) => {
      if (error) {
        ended.reject(connectionLost(place, `starting ${program}`, error))
        return
      }
      channel = opened
      if (stop.aborted) onStop()
      else attend(opened, options, ended)
      leaveInput = endInput && closeInputBy(endInput, opened, giveUp)
    })
    return await ended.promise
  } finally {
    leaveInput?.()
    stop.removeEventListener('abort', onStop)
  }
}

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

function attend(channel: ClientChannel, options: ChannelOptions, ended: Ending): void {
  const { place, stdin, isStdinHeldOpen, onOutput, dialogue } = options
  let result: SshExecResult | undefined
  let delivered: Promise<void> = Promise.resolve()

  const show = (stream: OutputStream, data: Buffer): Promise<void> => {
    if (data.length > 0 && onOutput) delivered = delivered.then(() => onOutput(stream, data))
    delivered.catch((error: unknown) => {
      channel.close()
      ended.reject(error)
    })
    return delivered
  }
  const take = (stream: OutputStream, source: Readable) => {
    source.on('data', (raw: Buffer) => {
      const data = stream === 'stderr' ? converse(raw) : raw
      if (data.length === 0) return
      source.pause()
      show(stream, data).then(
        () => source.resume(),
        () => undefined,
      )
    })
  }
  const hand = (input: Buffer) => (isStdinHeldOpen ? channel.write(input) : channel.end(input))
  const converse = (data: Buffer): Buffer => {
    if (!dialogue) return data
    const { shown, answers } = dialogue.take(data)
    for (const answer of answers) {
      if (answer === 'end') channel.end()
      else if (answer === dialogue.stdin) hand(answer)
      else channel.write(answer)
    }
    return shown
  }
  take('stdout', channel)
  take('stderr', channel.stderr)

  channel.stderr.once('end', () => show('stderr', dialogue?.end() ?? Buffer.alloc(0)))
  const streamsEnded = Promise.all([channel, channel.stderr].map(endOf))
  channel.on('exit', (code: number | null, signalName?: string) => {
    result = { exitCode: code, signal: code === null ? (signalName ?? 'UNKNOWN') : null }
    // A program that left with its input still open would otherwise keep the channel half open.
    if (isStdinHeldOpen || dialogue) channel.end()
  })
  channel.on('close', () => {
    void streamsEnded
      .then(() => delivered)
      .then(() => {
        if (result) ended.resolve(result)
        else ended.reject(options.gone.reason ?? connectionLost(place, 'a program was running'))
      }, ended.reject)
  })
  // Writing to a program that does not read to the end is no error: its exit code tells how it fared.
  channel.on('error', () => undefined)
  if (!dialogue) hand(stdin)
}

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
