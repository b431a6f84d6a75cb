import { sanitizeText } from '@rollcall/contracts'
import type { ApiClient } from '../api/client.ts'
import { CliError, UsageError } from '../errors.ts'
import { commandLine } from '../output/words.ts'

const WHOLE_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const SHORT_ID = /^[0-9a-f][0-9a-f-]{5,34}$/
/** How many of the newest commands an abbreviation is looked for among; the most that one request answers with. */
const RECENT = 1000
const MAX_SHOWN = 5

export const SHORT_ID_LENGTH = 8

export const ID_HELP = `ID may be cut to its first characters, at least 6, if only one of the last ${RECENT} commands begins so.`

/** The whole id that a person meant. Throws when an abbreviation fits none of the recent commands, or several. */
export async function resolveCommandId(api: ApiClient, given: string): Promise<string> {
  const text = given.toLowerCase()
  if (WHOLE_ID.test(text)) return text
  if (!SHORT_ID.test(text))
    throw new UsageError(
      `"${sanitizeText(given, 64)}" is not a command id, nor the first 6 characters or more of one.`,
    )
  const { commands } = await api.call('listCommands', { query: { limit: RECENT } })
  const fitting = commands.filter(({ id }) => id.startsWith(text))
  const [only, ...others] = fitting
  if (!only)
    throw new CliError(`None of the last ${RECENT} commands begins with ${text}. Give the whole id.`, {
      code: 'command.not_found',
    })
  if (others.length === 0) return only.id
  const shown = fitting
    .slice(0, MAX_SHOWN)
    .map((command) => `  ${command.id}  ${command.host.name}  ${commandLine(command)}`)
  throw new CliError([`${text} fits ${fitting.length} commands; give more of the id:`, ...shown].join('\n'))
}
