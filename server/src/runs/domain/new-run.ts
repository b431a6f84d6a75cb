import type { CommandKind, RunLimits, SkippedHost, Target } from '@rollcall/contracts/admin'
import type { PrincipalRef } from '../../access/index.ts'
import type { Command } from '../../commands/index.ts'

/** A run that is yet to be stored, with its commands. They are new, and differ in nothing but host and turn. */
export interface NewCommandRun {
  id: string
  bodyHash: string
  requestedBy: string
  /** The person whose present rights count; undefined if no person requested it. */
  requester?: PrincipalRef | null
  createdAt: Date
  kind: CommandKind
  commands: [Command, ...Command[]]
  /** All that follows is only for runs of programs. Null or missing where hosts were named. */
  target?: Pick<Target, 'labels' | 'all'> | null
  skipped?: SkippedHost[]
  limits?: RunLimits | null
  /** Some commands still wait for their turn. */
  isAdmitting?: boolean
  savedCommand?: string | null
  schedule?: string | null
}
