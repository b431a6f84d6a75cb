import type { Readable } from 'node:stream'
import { RollcallError } from '@rollcall/contracts'
import type { Client, ClientChannel } from 'ssh2'
import { openChannel } from './open-channel.ts'
import { type SshPlace, toConnectionLostError } from './ssh-failure.ts'
import type { SshExecResult, SshShell, SshShellOptions } from './ssh-session.ts'

interface ShellChannelOptions extends SshShellOptions {
  place: SshPlace
  /** Aborted with the error to fail with when the connection is lost. */
  gone: AbortSignal
}

/** Opens the user's login shell on its own terminal. */
export async function openShellChannel(client: Client, options: ShellChannelOptions): Promise<SshShell> {
  const { place, columns, rows, term, gone, signal } = options
  const stop = AbortSignal.any([gone, signal])
  stop.throwIfAborted()
  let shell: SshShell | undefined
  await openChannel<ClientChannel>(place, 'opening a shell', stop, (done) =>
    client.shell({ term, cols: columns, rows }, (error, opened) => {
      // Immediately: the first output of a shell and its exit may arrive together with this response.
      if (opened && stop.aborted) opened.close()
      else if (opened) shell = toShell(opened, options, stop)
      done(error, opened)
    }),
  )
  if (!shell) throw new RollcallError('server.defect', 'A shell was opened without listeners.')
  return shell
}

function toShell(channel: ClientChannel, options: ShellChannelOptions, stop: AbortSignal): SshShell {
  const { place, onOutput } = options
  const ended = Promise.withResolvers<SshExecResult>()
  ended.promise.catch(() => undefined) // unused if the shell is given up while it opens
  let result: SshExecResult | undefined
  let delivered: Promise<void> = Promise.resolve()
  const onStop = () => {
    channel.close()
    ended.reject(stop.reason)
  }
  stop.addEventListener('abort', onStop, { once: true })
  if (stop.aborted) onStop()
  const consume = (source: Readable) =>
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
  consume(channel)
  consume(channel.stderr)
  channel.on('exit', (code: number | null, signalName?: string) => {
    result = { exitCode: code, signal: code === null ? (signalName ?? 'UNKNOWN') : null }
  })
  channel.on('close', () => {
    stop.removeEventListener('abort', onStop)
    delivered.then(
      () => (result ? ended.resolve(result) : ended.reject(toConnectionLostError(place, 'a shell was open'))),
      ended.reject,
    )
  })
  // Input for an ended shell is dropped; `ended` reports how it ended.
  channel.on('error', () => undefined)
  return {
    ended: ended.promise,
    write: (data) => void channel.write(data),
    resize: (columns, rows) => channel.setWindow(rows, columns, 0, 0),
  }
}
