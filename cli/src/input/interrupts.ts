import { constants } from 'node:os'
import { InterruptedError } from '../errors.ts'

const EXIT_SIGNALS = ['SIGTERM', 'SIGHUP'] as const

export interface Interrupts {
  /** Aborted with `InterruptedError` when the person leaves or a signal ends the process. */
  leaving: AbortSignal
  /** Leaves as if by Ctrl-C. */
  leave(): void
}

/**
 * Handles signals from here on: the first Ctrl-C calls `onFirst` and the second leaves; without `onFirst` the first one leaves.
 * SIGTERM and SIGHUP leave at once.
 */
export function watchInterrupts(onFirst?: () => void): Interrupts {
  const leaving = new AbortController()
  const leave = (signal: NodeJS.Signals) =>
    leaving.abort(new InterruptedError(128 + constants.signals[signal]))
  let isFirst = onFirst !== undefined
  process.on('SIGINT', () => {
    if (!isFirst) return leave('SIGINT')
    isFirst = false
    onFirst?.()
  })
  for (const signal of EXIT_SIGNALS) process.on(signal, () => leave(signal))
  return { leaving: leaving.signal, leave: () => leave('SIGINT') }
}
