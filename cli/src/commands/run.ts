import { randomUUID } from 'node:crypto'
import type { CommandView, RunAccepted } from '@rollcall/contracts/admin'
import { UnreachableError } from '@rollcall/contracts/client'
import { Option } from 'commander'
import { retrying } from '../api/retry.ts'
import type { Context } from '../context.ts'
import { InterruptedError, NoServerError, UsageError } from '../errors.ts'
import { toTerminalSize } from '../input/terminal-session.ts'
import { RECONNECT_HELP } from '../live/give-up.ts'
import { OUTPUT_MODES, RunSession, type ShowOptions, STREAMED_HOSTS } from '../live/run-session.ts'
import { hasValues, jsonOption } from '../options/parsers.ts'
import { addProgramOptions, type ProgramOptions, toProgram } from '../options/program-options.ts'
import {
  addRunTargetOptions,
  TARGET_HELP,
  type TargetOptions,
  toRunTarget,
} from '../options/target-options.ts'
import type { AskingCommand } from '../output/answers.ts'
import { EXIT_CODES_HELP } from '../output/exit-code.ts'
import { jsonDocument } from '../output/json.ts'
import { reportSkipped } from '../output/run-report.ts'

/** How long a request that may have been lost is sent again, in milliseconds. */
const SEND_AGAIN_FOR_MS = 30_000

interface RunOptions extends ShowOptions, TargetOptions, ProgramOptions {
  saved?: string
  detach?: boolean
}

/** A request with a run id of our own, so that it can be sent again. */
interface RunRequest {
  runId: string
  send(): Promise<RunAccepted>
}

const HELP = `
The program is started without a shell; name one if you need it: -- sh -c 'df -h | tail -1'.
${TARGET_HELP}

--output stream shows output as it arrives: unchanged for one host; for several, each line is prefixed with its host's name
(unless --no-prefix), lines are never mixed, and a summary follows on stderr. --output group counts hosts while they run and
then shows each distinct output once, under the hosts that produced it, failures last. --output none shows failures only.
The default is stream for up to ${STREAMED_HOSTS} hosts, and group for more.

--concurrency and --batch hold hosts back until it is their turn. --stop-after counts hosts that failed, timed out or were
lost; hosts that never started are cancelled.

Ctrl-C cancels the command on every host and keeps showing output; a second Ctrl-C exits at once. Exiting, or closing the
terminal, stops nothing: the commands continue and their output is kept.
With --tty and one host every key goes to the program; type ~. at the start of a line to exit.
${RECONNECT_HELP}

${EXIT_CODES_HELP}

With --json every line is one JSON object: "accepted" (runId, commands), "output" (commandId, host, stream, offset,
base64 data), "command" for a change of state, and "end". If output is not streamed: "run" (counts, and commands whose
state has changed), "run-end" and "summary" (groups). With --detach it is one JSON document.

Examples:
  rollcall run --host demo-1 -- uname -a
  rollcall run --host demo-1,demo-2 --timeout 60 -- apt-get update
  rollcall run --label env=prod --label 'zone in (a,b)' -- uptime
  rollcall run --all --batch 10% --stop-after 2 -- ./upgrade
  rollcall run --saved upgrade --label env=test
  rollcall run --host demo-1 --tty -- top
  tar c site | rollcall run --host demo-1 --stdin --cwd /srv -- tar x
  TOKEN=… rollcall run --host demo-1 --env TOKEN -- ./deploy`

export function addCommands(program: AskingCommand, context: Context): void {
  const command = program
    .command('run')
    .description('run a program on hosts and show its output live')
    .argument('[program]', 'a program, looked up on the host')
    .argument('[args...]', 'its arguments, passed unchanged')
    .usage('(--host NAME… | --label SELECTOR… | --all) [options] (-- PROGRAM ARG… | --saved NAME)')
  addProgramOptions(addRunTargetOptions(command), context)
    .option('--saved <name>', 'run this saved command, on its own hosts or on those you select')
    .option('--tty', 'give it a terminal')
    .option('--stdin', 'pass standard input to it')
    .option('--detach', 'print the ids and do not wait')
    .addOption(
      new Option(
        '--output <mode>',
        'how output is shown: as it arrives, grouped at the end, or not at all',
      ).choices(OUTPUT_MODES),
    )
    .option('--no-prefix', "do not prefix lines with the hosts' names")
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .passThroughOptions()
    .action((program: string | undefined, args: string[], options: RunOptions) =>
      run(context, toRequest(context, program, args, options), options),
    )
}

function toRequest(
  context: Context,
  program: string | undefined,
  args: string[],
  options: RunOptions,
): RunRequest {
  const { saved } = options
  if (program === undefined && saved === undefined)
    throw new UsageError('Say what to run: rollcall run --host NAME -- PROGRAM ARG…, or --saved NAME.')
  if (options.detach && options.stdin)
    throw new UsageError('--detach cannot pass standard input: leave out --detach or --stdin.')
  if (program !== undefined && saved !== undefined)
    throw new UsageError('Give either --saved or a program, not both.')
  return saved === undefined
    ? toProgramRequest(context, program ?? '', args, options)
    : toSavedRequest(context, saved, options)
}

function toSavedRequest({ api }: Context, name: string, options: RunOptions): RunRequest {
  if (options.tty || options.stdin || hasValues(toProgram(options)))
    throw new UsageError(
      'A saved command has its own settings and takes no input: change them with "rollcall saved change".',
    )
  const runId = randomUUID()
  const body = { runId, ...toRunTarget(options) }
  return { runId, send: () => api.call('runSavedCommand', { params: { name }, body }) }
}

function toProgramRequest(
  { api, stdout }: Context,
  program: string,
  args: string[],
  options: RunOptions,
): RunRequest {
  const { tty, stdin } = options
  const { target, limits } = toRunTarget(options)
  if (!target)
    throw new UsageError(
      'Say which hosts: --host NAME, --label SELECTOR or --all, as in: rollcall run --host NAME -- PROGRAM ARG…',
    )
  const runId = randomUUID()
  const body = {
    runId,
    program,
    args,
    ...target,
    ...toProgram(options),
    limits,
    ...(tty && { tty, ...toTerminalSize(stdout) }),
    stdin,
  }
  return { runId, send: () => api.call('run', { body }) }
}

async function run(context: Context, request: RunRequest, options: RunOptions): Promise<void> {
  if (options.detach)
    return detach(context, await send(context, request, new AbortController().signal), options)
  const session = new RunSession(context, options)
  const accepted = await send(context, request, session.leaving)
  context.exitCode = await session.show(accepted)
}

/** Sends a request, again if its answer was lost: it carries our own run id, so nothing starts twice. */
async function send(context: Context, request: RunRequest, signal: AbortSignal): Promise<RunAccepted> {
  let hasTriedAgain = false
  try {
    return await untilAborted(
      retrying(request.send, {
        forMs: SEND_AGAIN_FOR_MS,
        signal,
        onFirstFailure: () => {
          hasTriedAgain = true
          context.notice('the server does not answer, retrying…')
        },
      }),
      signal,
    )
  } catch (error) {
    const isUnknown =
      error instanceof UnreachableError && (hasTriedAgain || !(error instanceof NoServerError))
    if (error instanceof InterruptedError || isUnknown)
      context.notice(`it may have been accepted; check with: rollcall runs show ${request.runId}`)
    throw error
  }
}

function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    promise.then(resolve, reject)
  })
}

function detach({ stdout, notice }: Context, accepted: RunAccepted, { json }: RunOptions): void {
  if (json) return void stdout.write(jsonDocument(accepted))
  reportSkipped({ notice }, accepted.skipped)
  stdout.write(accepted.commands.map(toLine).join(''))
  notice(
    `follow one with: rollcall command log ID --follow; see all with: rollcall runs show ${accepted.runId}`,
  )
}

const toLine = ({ id, host }: CommandView) => `${id}  ${host.name}\n`
