import { RollcallError } from '@rollcall/contracts'
import { readConfig } from './platform/config/config.ts'
import { startServer } from './server.ts'

try {
  const server = await startServer(readConfig(process.env))
  console.log(`Rollcall listens on ${server.url}`)
  if (server.setupLink)
    console.log(`Make yourself the first admin, within a day, by this link:\n\n  ${server.setupLink}\n`)
  // The parent that started us waits for this line in another form.
  process.send?.({ url: server.url })
  let isStopping = false
  const stop = () => {
    if (isStopping) return
    isStopping = true
    server.stop().then(
      () => process.exit(0),
      (error) => {
        console.error(error)
        process.exit(1)
      },
    )
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop)
  process.on('disconnect', stop)
} catch (error) {
  if (error instanceof RollcallError) console.error(`Rollcall cannot start (${error.code}): ${error.message}`)
  else console.error('Rollcall cannot start:', error)
  process.exitCode = 1
}
