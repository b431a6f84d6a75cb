import type { RunLimits, SavedCommandView, Target } from '@rollcall/contracts/admin'
import type { CommandSpec } from '../commands/index.ts'

/** A program that people run again and again, by name; its environment is in the clear. */
export interface SavedCommand
  extends Pick<CommandSpec, 'program' | 'args' | 'env' | 'cwd' | 'timeoutMs' | 'startWithinMs'> {
  id: string
  name: string
  description: string
  target: Target | null
  limits: RunLimits | null
  createdBy: string
  createdAt: Date
  updatedAt: Date
}

/** As it is shown: of the environment the names only. */
export function viewOfSaved({ env, createdAt, updatedAt, ...saved }: SavedCommand): SavedCommandView {
  return {
    ...saved,
    envNames: Object.keys(env),
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  }
}

/** As a run wants it: without terminal and input, for nobody sits there. */
export function specOf(
  program: Pick<SavedCommand, 'program' | 'args' | 'env' | 'cwd' | 'timeoutMs' | 'startWithinMs'>,
): CommandSpec {
  const { args, env, cwd, timeoutMs, startWithinMs } = program
  return {
    ...{ program: program.program, args, env, cwd, timeoutMs, startWithinMs },
    ...{ tty: false, columns: 80, rows: 24, stdin: false },
  }
}
