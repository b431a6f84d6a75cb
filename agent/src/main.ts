import { stderrLog as log } from './platform/log.ts'
import { StartError } from './start-error.ts'

/** Runs a process: a `StartError` is told in plain words, anything else with its stack. */
export function runMain(main: () => Promise<void>): void {
  process.umask(0o077)
  main().catch((error: unknown) => {
    if (error instanceof StartError) {
      for (const line of error.message.split('\n')) log.error('start.failed', { reason: line })
      process.exit(error.exitCode)
    }
    log.error('start.failed', { error: String((error as Error)?.stack ?? error) })
    process.exit(1)
  })
}
