import { RollcallError } from '@rollcall/contracts'
import type { AgentParams, AgentResult } from '@rollcall/contracts/agent'
import { dropBelow, type LogRun, logEnd, readLog } from '../../spool/log-reader.ts'
import { waitForChange } from '../../spool/spool-watch.ts'
import type { FoundCommand } from './command-store.ts'
import type { CommandsService } from './commands.service.ts'
import type { OutputInFlight } from './output-in-flight.ts'

type LogAnswer = AgentResult<'get_command_log'>

/** Maximum runs in one answer; beyond it their overhead exceeds their content. */
const MAX_RUNS = 10_000

/** Reads output from an offset on, waiting up to `wait_ms` for some. Throws `command.output_gone`, `command.not_found`. */
export async function readCommandLog(
  commands: CommandsService,
  params: AgentParams<'get_command_log'>,
  signal: AbortSignal,
  inFlight: OutputInFlight,
): Promise<LogAnswer> {
  // In one batch with the start of the command, the start comes first.
  await commands.settled(params.command_id)
  const found = findKept(commands, params.command_id)
  if (params.acknowledged_offset > 0)
    dropBelow(found.paths, Math.min(params.acknowledged_offset, params.offset))
  const read = (command: FoundCommand) => {
    const answer = readOnce(command, { ...params, max_bytes: inFlight.grant(params.max_bytes) })
    inFlight.count(answer.new_offset - params.offset, signal)
    return answer
  }
  const answer = read(found)
  if (hasContent(answer) || params.wait_ms === 0) return answer
  const changed = await waitForChange(found.paths.folder, params.wait_ms, signal, isPartOfLog, () => {
    const next = read(findKept(commands, params.command_id))
    return hasContent(next) ? next : null
  })
  return changed ?? answer
}

// The runner's other files change as often and do not matter to a reader.
const isPartOfLog = (file: string) => file === 'exit.json' || file.startsWith('log.')

const hasContent = (answer: LogAnswer) => answer.log_data !== '' || answer.is_final

function findKept(commands: CommandsService, id: string): FoundCommand {
  const known = commands.find(id)
  if (!('releasedAtMs' in known)) return known
  throw new RollcallError(
    'command.output_gone',
    `Command ${id} was released; its output is no longer on the host.`,
  )
}

// `found` was read before the log: if it has ended, no byte follows those that are read now.
function readOnce(found: FoundCommand, params: AgentParams<'get_command_log'>): LogAnswer {
  const slice = readLog(found.paths, params.offset, params.max_bytes, MAX_RUNS)
  if (slice.isGone) {
    const message = `Output below the acknowledged offset is no longer on the host; ${params.offset} was requested.`
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
