import { RollcallError } from '@rollcall/contracts'
import type { Client, ClientChannel } from 'ssh2'
import { newMarks } from './login-preamble.ts'
import { openChannel } from './open-channel.ts'
import { type ChannelOptions, ProgramChannel } from './program-channel.ts'
import { waitForClose } from './promisify-call.ts'
import { quoteArgv } from './shell-quote.ts'
import { describePlace, type SshPlace } from './ssh-failure.ts'
import type { SshExecResult } from './ssh-session.ts'

/** The time for a program to end after its input was closed. */
const END_TIMEOUT_MS = 20_000

/** Runs one program on its own channel. Settles once it has ended and all of its output was consumed. */
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
    stop.reason === timeout.reason && timeout.aborted
      ? toTimeoutError(place, program, timeoutMs)
      : stop.reason
  if (stop.aborted) throw why()

  const ended = Promise.withResolvers<SshExecResult>()
  ended.promise.catch(() => undefined) // unused if the program is given up while it starts
  const marks = newMarks()
  let closed: Promise<void> | undefined
  const channel = await openChannel<ClientChannel>(place, `starting ${program}`, stop, (done) =>
    client.exec(quoteArgv(argv, marks), (error, opened) => {
      // Immediately: a quick program's output and exit may arrive together with this response.
      if (opened && stop.aborted) opened.close()
      else if (opened) {
        closed = new Promise((resolve) => opened.once('close', () => resolve()))
        new ProgramChannel(opened, marks, options, ended).listen()
      }
      done(error, opened)
    }),
  ).catch((error) => {
    throw stop.aborted ? why() : error
  })
  const onStop = () => {
    // TERM reaches programs of the SSH user; a program run with sudo notices the closed channel.
    channel.signal('TERM')
    channel.close()
    ended.reject(why())
  }
  const giveUp = () => overdue.abort(toTimeoutError(place, program, END_TIMEOUT_MS))
  stop.addEventListener('abort', onStop, { once: true })
  let leaveInput: (() => void) | undefined
  try {
    if (stop.aborted) onStop()
    leaveInput = endInput && closeInputOn(endInput, channel, giveUp)
    return await ended.promise
  } finally {
    leaveInput?.()
    stop.removeEventListener('abort', onStop)
    if (closed) await waitForClose(closed, gone)
  }
}

/**
 * Closes the input when `endInput` fires, and calls `giveUp` after a grace period. Returns a function that cancels
 * both.
 */
function closeInputOn(endInput: AbortSignal, channel: ClientChannel, giveUp: () => void): () => void {
  let grace: NodeJS.Timeout | undefined
  const close = () => {
    channel.end()
    grace = setTimeout(giveUp, END_TIMEOUT_MS)
  }
  if (endInput.aborted) close()
  else endInput.addEventListener('abort', close, { once: true })
  return () => {
    clearTimeout(grace)
    endInput.removeEventListener('abort', close)
  }
}

const toTimeoutError = (place: SshPlace, program: string, timeoutMs: number) =>
  new RollcallError(
    'ssh.connection_lost',
    `${program} on ${describePlace(place)} did not end within ${timeoutMs / 1000} s and was terminated. Check the load of the host, then try again.`,
    { outcome: 'unknown' },
  )
