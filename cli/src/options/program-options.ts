import type { NewSavedCommandInput } from '@rollcall/contracts/admin'
import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { collectEnvironment, seconds } from './parsers.ts'

const DAY_SECONDS = 86_400

/** How a program is run: the same options wherever one is described. */
export interface ProgramOptions {
  timeout?: number
  startWithin?: number
  cwd?: string
  env?: Record<string, string>
}

export function addProgramOptions(command: Command, context: Context): Command {
  return command
    .option('--timeout <seconds>', 'end it after so long (default: 3600)', seconds(0.1, 30 * DAY_SECONDS))
    .option(
      '--start-within <seconds>',
      'do not start it any more after so long from its turn on (default: 600)',
      seconds(1, DAY_SECONDS),
    )
    .option('--cwd <directory>', 'where it runs (default: /)')
    .option(
      '--env <name=value>',
      'an environment variable; NAME alone passes yours on; may be given again',
      collectEnvironment(context.env),
    )
}

/** Only what was given. */
export function toProgram({
  timeout,
  startWithin,
  cwd,
  env,
}: ProgramOptions): Omit<Partial<NewSavedCommandInput>, 'name' | 'program' | 'args'> {
  return {
    ...(timeout !== undefined && { timeoutMs: timeout }),
    ...(startWithin !== undefined && { startWithinMs: startWithin }),
    ...(cwd !== undefined && { cwd }),
    ...(env && { env }),
  }
}
