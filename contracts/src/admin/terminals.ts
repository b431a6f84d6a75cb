import { z } from 'zod'
import { uuid } from '../text.ts'
import { commandView, terminalSize } from './commands.ts'
import { defineRoute } from './route.ts'

export const newTerminal = z.strictObject({
  /** Chosen by the caller, so that a request whose answer was lost can be sent again; made up when missing. */
  terminalId: uuid.optional(),
  /**
   * Through the agent, where the shell outlives servers; or over SSH with the credential of the host, where it ends with the server
   * that holds it. `auto` takes the agent where one is installed.
   */
  via: z.enum(['auto', 'agent', 'ssh']).default('auto'),
  ...terminalSize.shape,
})

/** A shell that a person works in. It is a command with a terminal: it outlives pages, servers and agents. */
export const TERMINAL_ROUTES = {
  openTerminal: defineRoute({
    method: 'POST',
    path: '/api/hosts/:host/terminals',
    summary:
      'Opens a shell on a terminal of the host. Its output and input are those of the command that it is.',
    access: 'terminals:open',
    status: 201,
    params: z.strictObject({ host: z.string().min(1).max(63).describe('name or id') }),
    body: newTerminal,
    response: z.strictObject({ command: commandView }),
  }),
} as const
