import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { collectEnvironment, seconds } from './parsers.ts'

const DAY_SECONDS = 86_400

/** Options that say how a program is run. */
export interface ProgramOptions {
  timeout?: number
  startWithin?: number
  cwd?: string
  env?: Record<string, string>
}

export function addProgramOptions<C extends Command>(command: C, context: Context): C {
  return command
    .option('--timeout <seconds>', 'stop it after this long (default: 3600)', seconds(0.1, 30 * DAY_SECONDS))
    .option(
      '--start-within <seconds>',
      'give up if it cannot start within this time of its turn (default: 600)',
      seconds(1, DAY_SECONDS),
    )
    .option('--cwd <directory>', 'working directory (default: /)')
    .option(
      '--env <name=value>',
      'an environment variable; NAME alone passes yours; may be given again',
      collectEnvironment(context.env),
    )
}

/** Returns the settings that were given. */
export const toProgram = ({ timeout, startWithin, cwd, env }: ProgramOptions) => ({
  timeoutMs: timeout,
  startWithinMs: startWithin,
  cwd,
  env,
})
