import { constants } from 'node:os'
import type { CommandView } from '@rollcall/contracts/admin'

export const EXIT_CODES_HELP = `Exit codes with one host:
  the program's own; 128+N when signal N ended it; 124 timed out; 130 cancelled;
  1 when it could not be started, was lost, or rollcall itself failed; 2 for a wrong command line
Exit codes with several hosts:
  0 when the program exited with 0 on all of them, otherwise 1; 2 for a wrong command line
Hosts that --label or --all left out do not count.
130 also when you left with Ctrl-C, 141 when the reader of the output went away.`

type Ended = Pick<CommandView, 'state' | 'exitCode' | 'signal'>

/** What the whole run means to a script; `commands` are all that were asked for, with undefined for one never seen to end. */
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
