import { useSyncExternalStore } from 'react'
import { agoText, momentText } from './format-values.ts'

let now = Date.now()
const listeners = new Set<() => void>()
let timer: ReturnType<typeof setInterval> | undefined

/** One clock for all: it ticks while anything shows a time. */
export const useNow = () =>
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      timer ??= setInterval(() => {
        now = Date.now()
        for (const each of listeners) each()
      }, 1000)
      return () => {
        listeners.delete(listener)
        if (listeners.size > 0) return
        clearInterval(timer)
        timer = undefined
      }
    },
    () => now,
  )

export function Ago({ at }: { at: string | null }) {
  const nowMs = useNow()
  if (at === null) return <span>–</span>
  return (
    // The moment itself is for whoever points at it: to write it for every row of a page takes longer than to draw the rest.
    <time
      dateTime={at}
      onPointerEnter={(event) => {
        event.currentTarget.title = momentText(at)
      }}
    >
      {agoText(at, nowMs)}
    </time>
  )
}
