import { sanitizeText } from '@rollcall/contracts'
import { CliError, UsageError } from '../errors.ts'
import { formatCommandLine } from '../output/format-command.ts'
import type { Client } from './client.ts'

const WHOLE_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const SHORT_ID = /^[0-9a-f][0-9a-f-]{5,34}$/
/** How many of the newest commands or runs a short id is looked up in: the most that one request returns. */
const RECENT_COMMANDS = 1000
const RECENT_RUNS = 200
const MAX_SHOWN = 5

export const SHORT_ID_LENGTH = 8

const idHelp = (recent: string) =>
  `ID may be shortened to its first 6 or more characters if only one of the last ${recent} begins with them.`
export const ID_HELP = idHelp(`${RECENT_COMMANDS} commands`)
export const RUN_ID_HELP = idHelp(`${RECENT_RUNS} runs`)

interface Known {
  id: string
  /** How a person recognises it. */
  title: string
}

/** Returns the full id of a command. Throws `CliError` if a short id matches none of the recent commands, or several. */
export function resolveCommandId(api: Client, given: string): Promise<string> {
  return resolveId(given, 'command', async () => {
    const { commands } = await api.call('listCommands', { query: { limit: RECENT_COMMANDS } })
    return commands.map((command) => ({
      id: command.id,
      title: `${command.host.name}  ${formatCommandLine(command)}`,
    }))
  })
}

/** Returns the full id of a run. Throws as `resolveCommandId` does. */
export function resolveRunId(api: Client, given: string): Promise<string> {
  return resolveId(given, 'run', async () => {
    const { runs } = await api.call('listRuns', { query: { limit: RECENT_RUNS } })
    return runs.map((run) => ({ id: run.id, title: formatCommandLine(run) }))
  })
}

async function resolveId(
  given: string,
  kind: 'command' | 'run',
  listRecent: () => Promise<Known[]>,
): Promise<string> {
  const text = given.toLowerCase()
  if (WHOLE_ID.test(text)) return text
  if (!SHORT_ID.test(text))
    throw new UsageError(
      `"${sanitizeText(given, 64)}" is not a ${kind} id, nor the first 6 characters or more of one.`,
    )
  const recent = await listRecent()
  const matching = recent.filter(({ id }) => id.startsWith(text))
  const [only, ...others] = matching
  if (!only)
    throw new CliError(`None of the last ${recent.length} ${kind}s begins with ${text}. Give the full id.`, {
      code: `${kind}.not_found`,
    })
  if (others.length === 0) return only.id
  const shown = matching.slice(0, MAX_SHOWN).map(({ id, title }) => `  ${id}  ${title}`)
  throw new CliError(
    [`${text} matches ${matching.length} ${kind}s; give more of the id:`, ...shown].join('\n'),
  )
}
