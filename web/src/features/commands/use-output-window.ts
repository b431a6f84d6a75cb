import { type CommandView, isFinalState } from '@rollcall/contracts/admin'
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { followOutput } from '../../api/use-output.ts'
import { toMessage } from '../../ui/states.tsx'
import type { Stream } from './output-lines.ts'
import { OutputWindow } from './output-window.ts'
import { sourceOf } from './stored-output.ts'

/** Bytes by which a viewer may lag: output that comes faster than it can be drawn is skipped, and read when scrolling back. */
const MAX_LAG_BYTES = 1024 * 1024
/** An offset beyond all output: only the state of the command is followed. */
const NO_OUTPUT = Number.MAX_SAFE_INTEGER

/** Returns the part of a command's output that is shown. It opens at the end and grows while it is followed. */
export function useOutputWindow(
  command: CommandView,
  stream: Stream | undefined,
  onCommand: (command: CommandView) => void,
) {
  const { id } = command
  const [, draw] = useState(0)
  const [error, setError] = useState<string>()
  const [isReady, setReady] = useState(false)
  const [isFollowing, setFollowing] = useState(true)
  const window = useMemo(() => new OutputWindow(sourceOf(id, stream)), [id, stream])
  const latest = useRef({ onCommand, outputBytes: command.outputBytes })
  latest.current = { onCommand, outputBytes: command.outputBytes }
  const redraw = useFrame(() => draw((n) => n + 1))

  /** Moves the window. Returns whether that worked; what goes wrong is shown, and the lines that are here stay. */
  const move = useCallback(
    async (work: () => Promise<void>) => {
      try {
        await work()
        setError(undefined)
        return true
      } catch (failure) {
        setError(toMessage(failure))
        return false
      } finally {
        redraw()
      }
    },
    [redraw],
  )
  useEffect(() => {
    let isGone = false
    setReady(false)
    setFollowing(true)
    void move(() => window.toEnd(latest.current.outputBytes)).then(() => {
      if (!isGone) setReady(true)
    })
    return () => {
      isGone = true
    }
  }, [window, move])

  const hasEnded = isFinalState(command.state)
  const isLive = isReady && isFollowing
  // biome-ignore lint/correctness/useExhaustiveDependencies: an ended command is followed to its end, and then no more
  useEffect(() => {
    if (!isReady || (hasEnded && (!isFollowing || window.end >= command.outputBytes))) return
    const on = {
      command: (next: CommandView) => latest.current.onCommand(next),
      error: (message: string) => setError(message),
    }
    if (!isLive) return followOutput(id, NO_OUTPUT, { ...on, output: () => undefined })
    return followOutput(
      id,
      window.end,
      {
        ...on,
        output({ stream: from, data }, offset) {
          if (stream === undefined || from === stream) window.append(from, data, offset, stream === undefined)
          else window.passOver(offset + data.length)
          redraw()
        },
      },
      MAX_LAG_BYTES,
    )
  }, [id, window, isReady, isLive, redraw])

  return {
    window,
    error,
    isReady,
    isFollowing,
    setFollowing,
    earlier: () => move(() => window.earlier()),
    later: () => move(() => window.later()),
    goTo: (offset: number) => move(() => window.goTo(offset)),
    toEnd: () => move(() => window.toEnd(Math.max(latest.current.outputBytes, window.end))),
  }
}

/** Returns a function that does `work` at most once a frame. */
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
