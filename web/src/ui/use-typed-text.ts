import { useDebouncedCallback } from '@mantine/hooks'
import { useEffect, useRef, useState } from 'react'

/** Values that were applied and have not come back yet; more are only kept of whoever types faster than a page follows. */
const MAX_PENDING = 50

/**
 * Keeps the text of a field that is applied elsewhere, such as in the page's address, once typing pauses. Returns the text and
 * its setter; a value that was changed there by others, as by "Show all", replaces what is typed, one's own never does.
 */
export function useTypedText(
  applied: string,
  apply: (text: string) => void,
  waitMs: number,
): [string, (text: string) => void] {
  const [text, setText] = useState(applied)
  const underWay = useRef([applied])
  const applySoon = useDebouncedCallback((next: string) => {
    underWay.current = [...underWay.current, next].slice(-MAX_PENDING)
    apply(next)
  }, waitMs)
  const cancel = useRef(applySoon.cancel)
  cancel.current = applySoon.cancel
  useEffect(() => {
    const own = underWay.current.indexOf(applied)
    underWay.current = own >= 0 ? underWay.current.slice(own) : [applied]
    if (own >= 0) return
    cancel.current()
    setText(applied)
  }, [applied])
  return [
    text,
    (next) => {
      setText(next)
      applySoon(next.trim())
    },
  ]
}
