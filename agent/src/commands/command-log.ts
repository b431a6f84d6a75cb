import { RollcallError } from '@rollcall/contracts'
import type { AgentParams, AgentResult } from '@rollcall/contracts/agent'
import type { FoundCommand } from './command-store.ts'
import type { CommandsService } from './commands.service.ts'
import { dropBelow, type LogRun, logEnd, readLog } from './log-reader.ts'
import type { OutputInFlight } from './output-in-flight.ts'
import { waitForNews } from './spool-watch.ts'

type LogAnswer = AgentResult<'get_command_log'>

/** One answer carries at most this many runs; more would cost more to describe than to carry. */
const MAX_RUNS = 10_000

export async function readCommandLog(
  commands: CommandsService,
  params: AgentParams<'get_command_log'>,
  signal: AbortSignal,
  inFlight: OutputInFlight,
): Promise<LogAnswer> {
  // In one batch with its start, the log of a command is that of one that is known.
  await commands.settled(params.command_id)
  const found = findKept(commands, params.command_id)
  if (params.acknowledged_offset > 0)
    dropBelow(found.paths, Math.min(params.acknowledged_offset, params.offset))
  const read = (command: FoundCommand) => {
    const answer = readOnce(command, { ...params, max_bytes: inFlight.room(params.max_bytes) })
    inFlight.hold(answer.new_offset - params.offset, signal)
    return answer
  }
  const answer = read(found)
  if (hasNews(answer) || params.wait_ms === 0) return answer
  const news = await waitForNews(found.paths.folder, params.wait_ms, signal, isPartOfLog, () => {
    const next = read(findKept(commands, params.command_id))
    return hasNews(next) ? next : null
  })
  return news ?? answer
}

// The runner's other files change as often and tell a reader nothing. A withdrawn command gets an end as well.
const isPartOfLog = (file: string) => file === 'exit.json' || file.startsWith('log.')

const hasNews = (answer: LogAnswer) => answer.log_data !== '' || answer.is_final

function findKept(commands: CommandsService, id: string): FoundCommand {
  const known = commands.find(id)
  if (!('releasedAtMs' in known)) return known
  throw new RollcallError(
    'command.output_gone',
    `Command ${id} was released; its output is no longer on the host.`,
  )
}

// `found` was read before the log: when it says that the command has ended, no byte will follow those that are read now.
function readOnce(found: FoundCommand, params: AgentParams<'get_command_log'>): LogAnswer {
  const slice = readLog(found.paths, params.offset, params.max_bytes, MAX_RUNS)
  if (slice.isGone) {
    const message = `Output below the acknowledged offset is no longer on the host; ${params.offset} was asked for.`
    throw new RollcallError('command.output_gone', message)
  }
  const new_offset = slice.runs.reduce((sum, run) => sum + run.data.length, params.offset)
  const result = found.decision.kind === 'final' ? found.decision.result : null
  const [first, ...further] = slice.runs.map(encodeRun)
  return {
    log_data: first?.log_data ?? '',
    log_type: first?.log_type ?? 'stdout',
    further,
    new_offset,
    is_final: result !== null && new_offset >= logEnd(found.paths),
    result,
  }
}

const encodeRun = (run: LogRun) => ({ log_type: run.type, log_data: run.data.toString('base64') })
