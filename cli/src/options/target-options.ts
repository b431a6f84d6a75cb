import type { RunLimits, Target } from '@rollcall/contracts/admin'
import { MAX_HOSTS_PER_RUN } from '@rollcall/contracts/admin/targets'
import { type Command, InvalidArgumentError } from 'commander'
import { UsageError } from '../errors.ts'
import { collectNames, collectTexts, wholeNumber } from './parsers.ts'

/** Options that select hosts and limit a run. */
export interface TargetOptions {
  host?: string[]
  label?: string[]
  all?: boolean
  concurrency?: number
  batch?: RunLimits['batch']
  stopAfter?: number
}

export const TARGET_HELP = `Which hosts: --host names them; --label selects by labels, as in kubectl (env=prod, env!=prod, 'zone in (a,b)',
'zone notin (a,b)', gpu, '!gpu'; several selectors must all match); --all selects every host. With --label and --all, hosts
without an agent are skipped and listed; naming one with --host is an error.`

/** Adds the options that select hosts. */
export function addTargetOptions<C extends Command>(command: C): C {
  return command
    .option('--host <names>', 'a host, or several separated by commas; may be given again', collectNames)
    .option(
      '--label <selector>',
      'hosts whose labels match; may be given again, then all must match',
      collectTexts,
    )
    .option('--all', 'every host')
}

export function addRunTargetOptions<C extends Command>(command: C): C {
  return addTargetOptions(command)
    .option(
      '--concurrency <number>',
      'run on at most this many hosts at a time',
      wholeNumber(1, MAX_HOSTS_PER_RUN),
    )
    .option(
      '--batch <number|share>',
      'run in batches of this many hosts, or of a share such as 25%',
      batchSize,
    )
    .option(
      '--stop-after <failures>',
      'start on no further host after this many failures; needs --concurrency or --batch',
      wholeNumber(1, MAX_HOSTS_PER_RUN),
    )
}

export function batchSize(text: string): NonNullable<RunLimits['batch']> {
  if (/^([1-9][0-9]?|100)%$/.test(text)) return text
  if (/^[1-9]\d*$/.test(text) && Number(text) <= MAX_HOSTS_PER_RUN) return Number(text)
  throw new InvalidArgumentError('It must be a number of hosts, or a share from 1% to 100%.')
}

/** Returns the selected hosts; undefined if none are. Throws `UsageError` for two kinds of selection. */
export function toTarget({ host, label, all }: TargetOptions): Target | undefined {
  const ways = [host && '--host', label && '--label', all && '--all'].filter(Boolean)
  if (ways.length > 1) throw new UsageError(`Choose one of ${ways.join(' and ')}: only one may be given.`)
  if (host) return { hosts: [...new Set(host)] }
  if (label) return { labels: label }
  return all ? { all: true } : undefined
}

/** Returns the hosts and the limits of a run, each undefined if not given. Throws `UsageError`. */
export const toRunTarget = (options: TargetOptions) => ({
  target: toTarget(options),
  limits: toLimits(options),
})

function toLimits({ concurrency, batch, stopAfter }: TargetOptions): RunLimits | undefined {
  if (stopAfter !== undefined && concurrency === undefined && batch === undefined)
    throw new UsageError(
      '--stop-after needs --concurrency or --batch: without them every host starts at once, and there is nothing to stop.',
    )
  if (concurrency === undefined && batch === undefined) return undefined
  return { concurrency, batch, stopAfterFailures: stopAfter }
}
