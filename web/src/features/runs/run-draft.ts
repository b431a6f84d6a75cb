import type { AdminRoutes, RunOrderView } from '@rollcall/contracts/admin'
import type { z } from 'zod'
import { t } from '../../i18n/index.tsx'
import { commandLine, splitWords } from '../../ui/format-values.ts'
import { NO_TARGET, toTarget, toTargetDraft } from '../targets/target.ts'

/** Returns a new UUID, also on a page that came without encryption, where browsers offer no randomUUID. */
export const newId = () => {
  const hex = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`
}

type RunBody = z.input<AdminRoutes['run']['body']>

export const EMPTY = {
  ...NO_TARGET,
  mode: 'program' as 'program' | 'shell',
  line: '',
  script: '',
  cwd: '/',
  timeoutS: 3600 as number | string,
  startWithinS: 600,
  tty: false,
  /** The run whose environment is kept, and the names of what is in it. */
  envOf: null as string | null,
  envNames: [] as string[],
  concurrency: '' as number | string,
  batch: '',
  stopAfter: '' as number | string,
}
export type Draft = typeof EMPTY

/** Returns the fields of the form by those of a run, where they are named otherwise. */
export const runFieldNames = ({ mode }: Pick<Draft, 'mode'>) => {
  const program = mode === 'shell' ? 'script' : 'line'
  return {
    program,
    args: program,
    env: 'envText',
    timeoutMs: 'timeoutS',
    'limits.concurrency': 'concurrency',
    'limits.batch': 'batch',
    'limits.stopAfterFailures': 'stopAfter',
  }
}

/** Reads one `NAME=value` per line. Returns what is wrong, in words, where a line is none. */
export function toEnvironment(text: string): Record<string, string> | string {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const wrong = lines.find((line) => !/^[A-Za-z_]\w*=/.test(line.trimStart()))
  if (wrong !== undefined)
    return t('run.envUnread', { line: (wrong.trim().split('=')[0] ?? '').slice(0, 60) })
  const pairs = lines.map((line) => {
    const at = line.indexOf('=')
    return [line.slice(0, at).trim(), line.slice(at + 1)]
  })
  return Object.fromEntries(pairs)
}

/** Returns what is wrong with a run by field, before it is sent. */
export function faultsIn(draft: Draft & { envText: string }): Record<string, string> {
  const env = toEnvironment(draft.envText)
  if (typeof env === 'string') return { envText: env }
  const body = toRunBody(draft)
  return typeof body === 'string' ? { [draft.mode === 'shell' ? 'script' : 'line']: body } : {}
}

/** Returns a run as the server takes it; or, in words, what is wrong with it. */
export function toRunBody(draft: Draft, envText = ''): RunBody | string {
  const words = draft.mode === 'shell' ? ['sh', '-c', draft.script] : splitWords(draft.line)
  if (words === undefined) return t('run.quoteOpen')
  const [program, ...args] = words
  if (!program || (draft.mode === 'shell' && draft.script.trim() === '')) return t('run.nothing')
  const env = toEnvironment(envText)
  if (typeof env === 'string') return env
  const limits = limitsOf(draft)
  return {
    ...toTarget(draft),
    program,
    args,
    cwd: draft.cwd.trim() || '/',
    timeoutMs: Math.round(Number(draft.timeoutS) * 1000),
    startWithinMs: Math.round(draft.startWithinS * 1000),
    ...(draft.tty && { tty: true }),
    ...(Object.keys(env).length > 0 && { env }),
    ...(draft.envOf !== null && { envOf: draft.envOf }),
    ...(Object.keys(limits).length > 0 && { limits }),
  } as RunBody
}

const limitsOf = ({ concurrency, batch, stopAfter }: Draft) => ({
  ...(concurrency !== '' && { concurrency: Number(concurrency) }),
  ...(batch.trim() && { batch: /^\d+$/.test(batch.trim()) ? Number(batch) : batch.trim() }),
  ...(stopAfter !== '' && { stopAfterFailures: Number(stopAfter) }),
})

/** Returns what to fill in so that an earlier run is asked for again as a whole. */
export function toDraft(order: RunOrderView, runId: string): Draft {
  const { program, args, envNames, cwd, timeoutMs, startWithinMs, tty, target, limits } = order
  const isShell = program === 'sh' && args[0] === '-c' && args.length === 2
  return {
    ...EMPTY,
    ...toTargetDraft(target),
    ...(isShell
      ? { mode: 'shell', script: args[1] ?? '' }
      : { mode: 'program', line: commandLine(program, args) }),
    cwd,
    timeoutS: timeoutMs / 1000,
    startWithinS: startWithinMs / 1000,
    tty,
    envOf: envNames.length > 0 ? runId : null,
    envNames,
    concurrency: limits?.concurrency ?? '',
    batch: limits?.batch === undefined ? '' : String(limits.batch),
    stopAfter: limits?.stopAfterFailures ?? '',
  }
}
