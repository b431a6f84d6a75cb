import { z } from 'zod'
import { uuid } from '../../text.ts'
import { terminalSize } from '../commands/schemas.ts'

export const newTerminal = z.strictObject({
  /** Chosen by the caller, so that a request whose answer was lost can be repeated; generated if missing. */
  terminalId: uuid.optional(),
  /**
   * Through the agent, where the shell outlives servers; or over SSH with the credential of the host, where it ends with the server
   * that holds it. `auto` takes the agent where one is installed.
   */
  via: z.enum(['auto', 'agent', 'ssh']).default('auto'),
  ...terminalSize.shape,
})

/** Somebody who may type into a terminal. */
export const terminalWriter = z.strictObject({
  name: z.string(),
  /** Null for the person who opened it. */
  joinedAt: z.iso.datetime().nullable(),
})
export type TerminalWriter = z.infer<typeof terminalWriter>

export const terminalWriters = z.strictObject({
  /** The opener first. */
  writers: z.array(terminalWriter),
  /** True if the caller is one of them. */
  mayWrite: z.boolean(),
})
export type TerminalWriters = z.infer<typeof terminalWriters>
