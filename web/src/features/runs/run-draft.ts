import type { AdminRoutes, CommandView } from '@rollcall/contracts/admin'
import type { z } from 'zod'
import { t } from '../../i18n/index.tsx'
import { commandLine, splitWords } from '../../ui/words.ts'
import { NO_TARGET, targetOf } from '../targets/target.ts'

/** Also where a page came without encryption, where browsers offer no randomUUID. */
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
  timeoutS: 3600,
  concurrency: '' as number | '',
  batch: '',
  stopAfter: '' as number | '',
}
export type Draft = typeof EMPTY

/** A run as the server takes it; or what is wrong with the words. */
export function runBodyOf(draft: Draft): RunBody | string {
  const words = draft.mode === 'shell' ? ['sh', '-c', draft.script] : splitWords(draft.line)
  if (words === undefined) return t('run.quoteOpen')
  const [program, ...args] = words
  if (!program || (draft.mode === 'shell' && draft.script.trim() === '')) return t('run.nothing')
  const limits = {
    ...(draft.concurrency !== '' && { concurrency: Number(draft.concurrency) }),
    ...(draft.batch.trim() && {
      batch: /^\d+$/.test(draft.batch.trim()) ? Number(draft.batch) : draft.batch.trim(),
    }),
    ...(draft.stopAfter !== '' && { stopAfterFailures: Number(draft.stopAfter) }),
  }
  return {
    ...targetOf(draft),
    program,
    args,
    timeoutMs: Math.round(draft.timeoutS * 1000),
    ...(Object.keys(limits).length > 0 && { limits }),
  } as RunBody
}

/** What to fill in so that an earlier command runs again. */
export function draftOf(
  command: Pick<CommandView, 'program' | 'args' | 'timeoutMs' | 'host'>,
): Partial<Draft> {
  const { program, args, timeoutMs, host } = command
  const isShell = program === 'sh' && args[0] === '-c' && args.length === 2
  return {
    by: 'hosts',
    hosts: [host.name],
    timeoutS: timeoutMs / 1000,
    ...(isShell
      ? { mode: 'shell', script: args[1] ?? '' }
      : { mode: 'program', line: commandLine(program, args) }),
  }
}
