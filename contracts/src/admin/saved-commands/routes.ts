import { z } from 'zod'
import { defineRoute } from '../route.ts'
import { runAccepted } from '../runs/schemas.ts'
import { changedSavedCommand, newSavedCommand, savedCommandView, savedRun, shortName } from './schemas.ts'

const nameParam = z.strictObject({ name: shortName })

/** Commands under a name. */
export const SAVED_COMMANDS_ROUTES = {
  listSavedCommands: defineRoute('GET', '/api/saved-commands', {
    summary: 'Lists saved commands by name.',
    access: 'commands:read',
    scope: 'filtered',
    audit: 'refusals',
    response: z.strictObject({ savedCommands: z.array(savedCommandView) }),
  }),
  addSavedCommand: defineRoute('POST', '/api/saved-commands', {
    summary: 'Saves a command under a name.',
    access: 'commands:run',
    scope: 'whole-fleet',
    audit: 'always',
    status: 201,
    body: newSavedCommand,
    response: z.strictObject({ savedCommand: savedCommandView }),
  }),
  showSavedCommand: defineRoute('GET', '/api/saved-commands/:name', {
    summary: 'Returns a saved command.',
    access: 'commands:read',
    scope: 'filtered',
    audit: 'refusals',
    params: nameParam,
    response: z.strictObject({ savedCommand: savedCommandView }),
  }),
  changeSavedCommand: defineRoute('PATCH', '/api/saved-commands/:name', {
    summary: 'Changes a saved command. Runs that have started are not affected.',
    access: 'commands:run',
    scope: 'whole-fleet',
    audit: 'always',
    params: nameParam,
    body: changedSavedCommand,
    response: z.strictObject({ savedCommand: savedCommandView }),
  }),
  removeSavedCommand: defineRoute('DELETE', '/api/saved-commands/:name', {
    summary: 'Removes a saved command. Refused while a schedule uses it.',
    access: 'commands:run',
    scope: 'whole-fleet',
    audit: 'always',
    params: nameParam,
    response: z.strictObject({}),
  }),
  runSavedCommand: defineRoute('POST', '/api/saved-commands/:name/run', {
    summary: 'Runs a saved command, on its own hosts or on others.',
    access: 'commands:run',
    scope: 'filtered',
    audit: 'always',
    status: 202,
    params: nameParam,
    body: savedRun,
    response: runAccepted,
  }),
} as const
