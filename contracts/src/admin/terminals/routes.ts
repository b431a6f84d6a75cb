import { z } from 'zod'
import { commandView } from '../commands/schemas.ts'
import { hostParam } from '../hosts/schemas.ts'
import { defineRoute } from '../route.ts'
import { newTerminal } from './schemas.ts'

/** A shell that a person works in. It is a command with a terminal: it outlives pages, servers and agents. */
export const TERMINALS_ROUTES = {
  openTerminal: defineRoute({
    method: 'POST',
    path: '/api/hosts/:host/terminals',
    summary:
      'Opens a shell on a terminal of the host. Its output and input are those of the command that it is.',
    access: 'terminals:open',
    scope: { host: 'params.host' },
    audit: 'always',
    status: 201,
    params: hostParam,
    body: newTerminal,
    response: z.strictObject({ command: commandView }),
  }),
} as const
