import type { CommandView } from '@rollcall/contracts/admin'
import { useCallback, useEffect, useRef, useState } from 'react'
import { followOutput } from '../../api/use-output.ts'
import { messageOf } from '../../ui/states.tsx'
import { OutputLines } from './output-lines.ts'
import { readOutput } from './stored-output.ts'

/** What is read first of a long output. */
export const TAIL_BYTES = 512 * 1024

/** Lines from the tail on, growing while the command runs; or a part of them, after a jump. */
export function useOutputLines(command: CommandView, onCommand: (command: CommandView) => void) {
  const [, draw] = useState(0)
  const [error, setError] = useState<string>()
  const [at, setAt] = useState<{ from: number; until?: number }>({
    from: Math.max(0, command.outputBytes - TAIL_BYTES),
  })
  const lines = useRef(new OutputLines(at.from))
  const latest = useRef(onCommand)
  latest.current = onCommand
  const redraw = useFrame(() => draw((n) => n + 1))
  useEffect(() => {
    const own = new OutputLines(at.from)
    lines.current = own
    setError(undefined)
    if (at.until !== undefined) return
    redraw()
    return followOutput(command.id, at.from, {
      output({ stream, data }) {
        own.append(stream, data)
        redraw()
      },
      command: (next) => latest.current(next),
      error: setError,
    })
  }, [command.id, at, redraw])
  const jump = useCallback(
    async (from: number, until?: number) => {
      setAt({ from, ...(until !== undefined && { until }) })
      if (until === undefined) return
      const part = new OutputLines(from)
      try {
        for await (const { stream, data } of readOutput(command.id, from, until)) part.append(stream, data)
      } catch (failure) {
        setError(messageOf(failure))
      }
      lines.current = part
      redraw()
    },
    [command.id, redraw],
  )
  return { lines: lines.current, from: at.from, error, jump }
}

/** At most once a frame. */
function useFrame(work: () => void): () => void {
  const latest = useRef(work)
  latest.current = work
  const frame = useRef<number>(undefined)
  return useCallback(() => {
    frame.current ??= requestAnimationFrame(() => {
      frame.current = undefined
      latest.current()
    })
  }, [])
}
