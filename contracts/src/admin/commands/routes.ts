import { z } from 'zod'
import { defineRoute, idParam } from '../route.ts'
import {
  commandInput,
  commandOutput,
  commandQuery,
  commandView,
  outputQuery,
  terminalSize,
} from './schemas.ts'

/** Commands, one host each, and their output. */
export const COMMANDS_ROUTES = {
  listCommands: defineRoute('GET', '/api/commands', {
    summary: 'Lists commands, newest first.',
    access: 'commands:read',
    scope: { filtered: { host: 'query.host', command: 'query.before' } },
    audit: 'refusals',
    query: commandQuery,
    response: z.strictObject({ commands: z.array(commandView) }),
  }),
  showCommand: defineRoute('GET', '/api/commands/:id', {
    summary: 'Returns one command.',
    access: 'commands:read',
    scope: { command: 'params.id' },
    audit: 'refusals',
    params: idParam,
    response: z.strictObject({ command: commandView }),
  }),
  readOutput: defineRoute('GET', '/api/commands/:id/output', {
    summary: 'Reads stored output from a byte offset. Follow it live on /ws.',
    access: 'commands:read',
    scope: { command: 'params.id' },
    audit: 'refusals',
    params: idParam,
    query: outputQuery,
    response: commandOutput,
  }),
  cancelCommand: defineRoute('POST', '/api/commands/:id/cancel', {
    summary: 'Cancels a command. One that has ended is left alone.',
    access: 'commands:run',
    scope: { command: 'params.id' },
    audit: 'always',
    status: 202,
    params: idParam,
    response: z.strictObject({ command: commandView }),
  }),
  writeInput: defineRoute('POST', '/api/commands/:id/input', {
    summary: 'Writes to the standard input or terminal of a running command.',
    access: 'commands:run',
    scope: { command: 'params.id' },
    audit: 'refusals',
    params: idParam,
    body: commandInput,
    response: z.strictObject({ nextOffset: z.int() }),
  }),
  resizeTerminal: defineRoute('POST', '/api/commands/:id/size', {
    summary: 'Sets the size of a running terminal.',
    access: 'commands:run',
    scope: { command: 'params.id' },
    audit: 'refusals',
    params: idParam,
    body: terminalSize,
    response: z.strictObject({}),
  }),
} as const
