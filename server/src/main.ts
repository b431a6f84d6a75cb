import { RollcallError } from '@rollcall/contracts'
import { readConfig } from './platform/config/config.ts'
import { type RunningServer, startServer } from './server.ts'

/** Ends the process in order when it is asked to. One that is still starting is stopped as soon as it has started. */
function endOnRequest(starting: Promise<RunningServer>): void {
  let isStopping = false
  const stop = async () => {
    if (isStopping) return
    isStopping = true
    try {
      // A start that fails is told, and gives the exit code, where it is awaited below.
      await starting.then(
        (server) => server.stop(),
        () => undefined,
      )
      process.exit()
    } catch (error) {
      console.error(error)
      process.exit(1)
    }
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop)
  process.on('disconnect', stop)
}

try {
  const starting = startServer(readConfig(process.env))
  endOnRequest(starting)
  const server = await starting
  console.log(`Rollcall listens on ${server.url}`)
  if (server.setupLink)
    console.log(`Make yourself the first admin, within a day, by this link:\n\n  ${server.setupLink}\n`)
  // The parent that started us waits for this line in another form.
  process.send?.({ url: server.url })
} catch (error) {
  if (error instanceof RollcallError) console.error(`Rollcall cannot start (${error.code}): ${error.message}`)
  else console.error('Rollcall cannot start:', error)
  process.exitCode = 1
}
