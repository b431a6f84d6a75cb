import type { Readable } from 'node:stream'
import { RollcallError } from '@rollcall/contracts'
import type { Client, ClientChannel } from 'ssh2'
import { deferred } from './deferred.ts'
import { openChannel } from './open-channel.ts'
import { connectionLost, type SshPlace } from './ssh-failure.ts'
import type { SshExecResult, SshShell, SshShellOptions } from './ssh-session.ts'

interface ShellChannelOptions extends SshShellOptions {
  place: SshPlace
  /** Aborted, with the error to fail with, when the connection is gone. */
  gone: AbortSignal
}

/** Opens the user's login shell on a terminal of its own. */
export async function openShellChannel(client: Client, options: ShellChannelOptions): Promise<SshShell> {
  const { place, columns, rows, term, gone, signal } = options
  const stop = AbortSignal.any([gone, signal])
  stop.throwIfAborted()
  let shell: SshShell | undefined
  await openChannel<ClientChannel>(place, 'opening a shell', stop, (done) =>
    client.shell({ term, cols: columns, rows }, (error, opened) => {
      // At once: what a shell says first, and that it has ended, may come in the same piece as this answer.
      if (opened && stop.aborted) opened.close()
      else if (opened) shell = attend(opened, options, stop)
      done(error, opened)
    }),
  )
  if (!shell) throw new RollcallError('server.defect', 'A shell was opened and not attended to.')
  return shell
}

function attend(channel: ClientChannel, options: ShellChannelOptions, stop: AbortSignal): SshShell {
  const { place, onOutput } = options
  const ended = deferred<SshExecResult>()
  ended.promise.catch(() => undefined) // Of a shell that was given up while it was being opened, nobody asks.
  let result: SshExecResult | undefined
  let delivered: Promise<void> = Promise.resolve()
  const onStop = () => {
    channel.close()
    ended.reject(stop.reason)
  }
  stop.addEventListener('abort', onStop, { once: true })
  if (stop.aborted) onStop()
  const take = (source: Readable) =>
    source.on('data', (data: Buffer) => {
      source.pause()
      delivered = delivered.then(() => onOutput(data))
      delivered.then(
        () => source.resume(),
        (error: unknown) => {
          channel.close()
          ended.reject(error)
        },
      )
    })
  take(channel)
  take(channel.stderr)
  channel.on('exit', (code: number | null, signalName?: string) => {
    result = { exitCode: code, signal: code === null ? (signalName ?? 'UNKNOWN') : null }
  })
  channel.on('close', () => {
    stop.removeEventListener('abort', onStop)
    delivered.then(
      () => (result ? ended.resolve(result) : ended.reject(connectionLost(place, 'a shell was open'))),
      ended.reject,
    )
  })
  // What is typed into a shell that has ended goes nowhere; how it ended is told by `ended`.
  channel.on('error', () => undefined)
  return {
    ended: ended.promise,
    write: (data) => void channel.write(data),
    resize: (columns, rows) => channel.setWindow(rows, columns, 0, 0),
  }
}
