import { z } from 'zod'
import { commandView } from '../commands/schemas.ts'
import { hostParam } from '../hosts/schemas.ts'
import { defineRoute, idParam } from '../route.ts'
import { newTerminal, terminalWriters } from './schemas.ts'

/** A shell that a person works in. It is a command with a terminal: it outlives pages, servers and agents. */
export const TERMINALS_ROUTES = {
  openTerminal: defineRoute('POST', '/api/hosts/:host/terminals', {
    summary:
      'Opens a shell on a terminal of the host. It is a command, whose output and input are read and written as of any other.',
    access: 'terminals:open',
    scope: { host: 'params.host' },
    audit: 'always',
    status: 201,
    params: hostParam,
    body: newTerminal,
    response: z.strictObject({ command: commandView }),
  }),
  listTerminalWriters: defineRoute('GET', '/api/commands/:id/writers', {
    summary: 'Lists who may type into a terminal: the person who opened it, and those who have joined.',
    access: 'commands:read',
    scope: { command: 'params.id' },
    audit: 'refusals',
    params: idParam,
    response: terminalWriters,
  }),
  joinTerminal: defineRoute('POST', '/api/commands/:id/writers', {
    summary: "Joins another person's terminal, to type into it as well.",
    access: 'terminals:open',
    scope: { command: 'params.id' },
    audit: 'always',
    params: idParam,
    response: terminalWriters,
  }),
} as const
