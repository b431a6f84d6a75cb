import { stderrLog as log } from './log.ts'
import { StartError } from './start-error.ts'

/** Runs a process and exits on failure: a `StartError` is logged in plain words, any other error with its stack. */
export function runProcess(main: () => Promise<void>): void {
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
