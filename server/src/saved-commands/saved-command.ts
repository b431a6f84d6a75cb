import type { RunLimits, Target } from '@rollcall/contracts/admin'
import type { PrincipalRef } from '../access/index.ts'
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
  /** Whoever made it, or changed it last: it is run with what they may do then. Null where that cannot be told. */
  owner: PrincipalRef | null
  createdAt: Date
  updatedAt: Date
}

/** Whether it has values that may be secrets: they are for its own target. */
export const isSealed = ({ env }: Pick<SavedCommand, 'env'>) => Object.keys(env).length > 0

/** As a run wants it: without terminal and input, for nobody sits there. */
export function toSpec(
  program: Pick<SavedCommand, 'program' | 'args' | 'env' | 'cwd' | 'timeoutMs' | 'startWithinMs'>,
): CommandSpec {
  const { args, env, cwd, timeoutMs, startWithinMs } = program
  return {
    program: program.program,
    args,
    env,
    cwd,
    timeoutMs,
    startWithinMs,
    tty: false,
    columns: 80,
    rows: 24,
    stdin: false,
  }
}
