import { constants } from 'node:os'
import type { CommandView } from '@rollcall/contracts/admin'

export const EXIT_CODES_HELP = `Exit codes with one host:
  the program's own; 128+N if signal N ended it; 124 if it timed out; 130 if it was cancelled;
  1 if it could not be started, was lost, or rollcall itself failed; 2 for an invalid command line
Exit codes with several hosts:
  0 if the program exited with 0 on all of them, otherwise 1; 2 for an invalid command line
Hosts that --label or --all skipped do not count.
130 also if you exit with Ctrl-C, 141 if the reader of the output is gone.`

type Ended = Pick<CommandView, 'state' | 'exitCode' | 'signal'>

/** Returns the exit code for a whole run; a command that was never seen to end is undefined. */
export function toExitCode(commands: readonly (Ended | undefined)[]): number {
  const [only, ...others] = commands
  if (others.length > 0) return commands.every((command) => command?.state === 'success') ? 0 : 1
  return only ? exitCodeOfOne(only) : 1
}

function exitCodeOfOne({ state, exitCode, signal }: Ended): number {
  if (state === 'success') return 0
  if (state === 'timed_out') return 124
  if (state === 'cancelled') return 130
  if (state !== 'failed') return 1
  if (exitCode) return exitCode
  const number = signal ? constants.signals[signal as NodeJS.Signals] : undefined
  return number === undefined ? 1 : 128 + number
}
