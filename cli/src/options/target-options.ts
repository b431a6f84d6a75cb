import type { RunLimits, Target } from '@rollcall/contracts/admin'
import { MAX_HOSTS_PER_RUN } from '@rollcall/contracts/admin/targets'
import { type Command, InvalidArgumentError } from 'commander'
import { UsageError } from '../errors.ts'
import { collectNames, wholeNumber } from './parsers.ts'

/** Where to run, and how to go about it: the same options wherever a run is described. */
export interface TargetOptions {
  host?: string[]
  label?: string[]
  all?: boolean
  concurrency?: number
  batch?: RunLimits['batch']
  stopAfter?: number
}

export const TARGET_HELP = `Which hosts: --host names them; --label takes those whose labels fit, as kubectl does (env=prod, env!=prod,
'zone in (a,b)', 'zone notin (a,b)', gpu, '!gpu'; given again or between commas, all must hold); --all takes every host.
With --label and --all, hosts on which no agent is installed are left out and told; a named one is refused.`

/** Which hosts, and nothing of how to go about them. */
export function addTargetOptions(command: Command): Command {
  const selectors = (text: string, before: string[] = []) => [...before, text]
  return command
    .option('--host <names>', 'a host; may be given again, or several between commas', collectNames)
    .option('--label <selector>', 'hosts whose labels fit; given again, all must hold', selectors)
    .option('--all', 'every host')
}

export function addRunTargetOptions(command: Command): Command {
  return addTargetOptions(command)
    .option('--concurrency <number>', 'on at most so many hosts at a time', wholeNumber(1, MAX_HOSTS_PER_RUN))
    .option('--batch <number|share>', 'in waves of so many hosts, or of a share such as 25%', batchSize)
    .option(
      '--stop-after <failures>',
      'begin on no further host when so many have failed; needs --concurrency or --batch',
      wholeNumber(1, MAX_HOSTS_PER_RUN),
    )
}

export function batchSize(text: string): NonNullable<RunLimits['batch']> {
  if (/^([1-9][0-9]?|100)%$/.test(text)) return text
  if (/^[1-9]\d*$/.test(text) && Number(text) <= MAX_HOSTS_PER_RUN) return Number(text)
  throw new InvalidArgumentError('It must be a number of hosts, or a share from 1% to 100%.')
}

/** Undefined where nothing was said. Throws `UsageError` where it was said in two ways. */
export function toTarget({ host, label, all }: TargetOptions): Target | undefined {
  const ways = [host && '--host', label && '--label', all && '--all'].filter(Boolean)
  if (ways.length > 1) throw new UsageError(`Choose one of ${ways.join(' and ')}: they say different things.`)
  if (host) return { hosts: [...new Set(host)] }
  if (label) return { labels: label }
  return all ? { all: true } : undefined
}

/** Undefined where there are none. */
export function toLimits({ concurrency, batch, stopAfter }: TargetOptions): RunLimits | undefined {
  if (stopAfter !== undefined && concurrency === undefined && batch === undefined)
    throw new UsageError(
      '--stop-after needs --concurrency or --batch: without them every host begins at once, and there is nothing to stop.',
    )
  if (concurrency === undefined && batch === undefined) return undefined
  return {
    ...(concurrency !== undefined && { concurrency }),
    ...(batch !== undefined && { batch }),
    ...(stopAfter !== undefined && { stopAfterFailures: stopAfter }),
  }
}
