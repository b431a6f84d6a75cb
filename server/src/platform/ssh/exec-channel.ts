import { RollcallError } from '@rollcall/contracts'
import type { Client, ClientChannel } from 'ssh2'
import { deferred } from './deferred.ts'
import { newMarks } from './login-preamble.ts'
import { openChannel } from './open-channel.ts'
import { type ChannelOptions, ProgramChannel } from './program-channel.ts'
import { quoteArgv } from './shell-quote.ts'
import { describePlace, type SshPlace } from './ssh-failure.ts'
import type { SshExecResult } from './ssh-session.ts'

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
        new ProgramChannel(opened, marks, options, ended).attend()
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

const tooSlow = (place: SshPlace, program: string, timeoutMs: number) =>
  new RollcallError(
    'ssh.connection_lost',
    `${program} on ${describePlace(place)} did not end within ${timeoutMs / 1000} s and was told to stop. Check the load of the host and try again.`,
    { outcome: 'unknown' },
  )
