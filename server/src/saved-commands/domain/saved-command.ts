import type { RunLimits, Target } from '@rollcall/contracts/admin'
import type { PrincipalRef } from '../../access/index.ts'
import type { CommandSpec } from '../../commands/index.ts'

/** A named, reusable program; its environment is in the clear. */
export interface SavedCommand
  extends Pick<CommandSpec, 'program' | 'args' | 'env' | 'cwd' | 'timeoutMs' | 'startWithinMs'> {
  id: string
  name: string
  description: string
  target: Target | null
  limits: RunLimits | null
  createdBy: string
  /** The user or key that created or last changed it and whose rights bound it; null if unknown. */
  owner: PrincipalRef | null
  createdAt: Date
  updatedAt: Date
}

/** Returns whether it has environment values, which may be secrets meant for its own target. */
export const hasSecrets = ({ env }: Pick<SavedCommand, 'env'>) => Object.keys(env).length > 0

const WITHOUT_TERMINAL = { tty: false, columns: 80, rows: 24, stdin: false }

/** Converts a program to the spec of a run without a terminal or input. */
export function toSpec(
  saved: Pick<SavedCommand, 'program' | 'args' | 'env' | 'cwd' | 'timeoutMs' | 'startWithinMs'>,
): CommandSpec {
  const { program, args, env, cwd, timeoutMs, startWithinMs } = saved
  return { program, args, env, cwd, timeoutMs, startWithinMs, ...WITHOUT_TERMINAL }
}
