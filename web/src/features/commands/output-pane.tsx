import { Text } from '@mantine/core'
import { useElementSize, useMergedRef } from '@mantine/hooks'
import { RETRY_POLICIES, retryDelayMs } from '@rollcall/contracts'
import { memo, useEffect, useLayoutEffect, useRef, useState } from 'react'
import { t } from '../../i18n/index.tsx'
import { bytesText } from '../../ui/format-values.ts'
import { styled } from './ansi.ts'
import type { Line } from './output-lines.ts'
import type { useOutputWindow } from './use-output-window.ts'

const LINE_PX = 18
/** Lines that are drawn above and below what is seen. */
const SPARE = 20
/** So near to an edge more is read. */
const NEAR_PX = 60 * LINE_PX
/** So near to the end one is at the end. */
const AT_END_PX = 3 * LINE_PX

interface Props {
  view: ReturnType<typeof useOutputWindow>
  hit: number | undefined
  place: { at: 'start' | 'end' | number } | undefined
  height: string
  isErrOnly: boolean
  isRunning: boolean
}

/** The lines that are seen, drawn where they belong; whoever comes near to an edge of what is here is brought more. */
export function OutputPane({ view, hit, place, height, isErrOnly, isRunning }: Props) {
  const { window, isFollowing, isReady } = view
  const { lines } = window
  const scroller = useRef<HTMLDivElement>(null)
  const { ref: sizeRef, height: heightPx } = useElementSize()
  const boxRef = useMergedRef(scroller, sizeRef)
  const lastTopPx = useRef(0)
  const [topPx, setTopPx] = useState(0)
  useKeptPlace(scroller, window.shift, (px) => {
    lastTopPx.current = px
    setTopPx(px)
  })
  useLatestShown(scroller, view)
  const seen = Math.ceil((heightPx || 600) / LINE_PX)
  // While it is followed the end is drawn at once, and not only when the browser has told that it was scrolled to.
  const first = isFollowing ? lines.length - seen : Math.floor(topPx / LINE_PX)
  const from = Math.max(0, Math.min(first, lines.length) - SPARE)
  const shown = lines.slice(from, Math.max(0, first) + seen + SPARE)
  const hitIndex = hit === undefined ? -1 : lines.findLastIndex(({ offset }) => offset <= hit)
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each place that is asked for; afterwards a person scrolls
  useLayoutEffect(() => {
    const box = scroller.current
    if (!box || place === undefined) return
    if (place.at === 'start') box.scrollTop = 0
    else if (place.at === 'end') box.scrollTop = box.scrollHeight
    else box.scrollTop = Math.max(0, hitIndex * LINE_PX - box.clientHeight / 2)
    setTopPx(box.scrollTop)
  }, [place])
  const onScroll = () => {
    const box = scroller.current
    if (!box) return
    const movedPx = box.scrollTop - lastTopPx.current
    lastTopPx.current = box.scrollTop
    setTopPx(box.scrollTop)
    const belowPx = box.scrollHeight - box.scrollTop - box.clientHeight
    if (isFollowing && movedPx < 0 && belowPx > AT_END_PX) view.setFollowing(false)
    // Only the end of all that there is: at that of what is here more is read.
    if (!isFollowing && movedPx > 0 && belowPx < AT_END_PX && window.isAtEnd) view.setFollowing(true)
  }
  useMoreAtEdges(scroller, view, topPx)
  return (
    <div
      className="output"
      ref={boxRef}
      style={{ height }}
      onScroll={onScroll}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: one has to be able to scroll it by keyboard
      tabIndex={0}
      role="log"
      aria-label={t('output.title')}
      data-testid="output"
    >
      {isReady && lines.length === 0 && (
        <Text size="sm" p="sm" c="gray.4" role="status">
          {emptyText(isErrOnly, isRunning)}
        </Text>
      )}
      <div style={{ height: lines.length * LINE_PX, position: 'relative' }}>
        {shown.map((line, i) => (
          <OutputLine
            key={line.offset}
            line={line}
            text={line.text}
            topPx={(from + i) * LINE_PX}
            isHit={from + i === hitIndex}
          />
        ))}
      </div>
    </div>
  )
}

const emptyText = (isErrOnly: boolean, isRunning: boolean) =>
  isErrOnly
    ? isRunning
      ? t('output.noErrYet')
      : t('output.noErr')
    : isRunning
      ? t('output.nothingYet')
      : t('output.nothing')

/** While the output is followed, its newest line is in view. */
function useLatestShown(scroller: React.RefObject<HTMLDivElement | null>, { isFollowing }: Props['view']) {
  useLayoutEffect(() => {
    const box = scroller.current
    if (box && isFollowing) box.scrollTop = box.scrollHeight
  })
}

/**
 * Keeps what is read where it is when lines are put before it or taken away there. `onMoved` draws the lines of the new place before the
 * browser paints: its scroll event comes a frame later, which would show a blank pane.
 */
function useKeptPlace(
  scroller: React.RefObject<HTMLDivElement | null>,
  shift: number,
  onMoved: (topPx: number) => void,
) {
  const before = useRef(shift)
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each shift, whatever is drawn otherwise
  useLayoutEffect(() => {
    const box = scroller.current
    if (box && shift !== before.current) {
      box.scrollTop += (shift - before.current) * LINE_PX
      onMoved(box.scrollTop)
    }
    before.current = shift
  }, [scroller, shift])
}

/** More is read while there is any, one page at a time, as long as an edge is near to what is seen. */
function useMoreAtEdges(
  scroller: React.RefObject<HTMLDivElement | null>,
  view: Props['view'],
  topPx: number,
) {
  const isReading = useRef(false)
  const [past, setPast] = useState({ reads: 0, failures: 0 })
  const { window, isFollowing, isReady } = view
  const { start, end } = window
  // biome-ignore lint/correctness/useExhaustiveDependencies: whenever somebody has scrolled or something has come
  useEffect(() => {
    const box = scroller.current
    if (!box || !isReady || isReading.current) return
    let again: ReturnType<typeof setTimeout> | undefined
    const read = async (more: () => Promise<boolean>) => {
      isReading.current = true
      const hasWorked = await more()
      isReading.current = false
      const ended = (failures: number) => () => setPast(({ reads }) => ({ reads: reads + 1, failures }))
      // Whoever has scrolled to the edge can scroll no further to ask for it again.
      if (hasWorked) ended(0)()
      else {
        const failures = past.failures + 1
        again = globalThis.setTimeout(
          ended(failures),
          retryDelayMs(RETRY_POLICIES.webOutput, failures, Math.random()),
        )
      }
    }
    const belowPx = box.scrollHeight - box.scrollTop - box.clientHeight
    const isNearTop = isFollowing ? box.scrollHeight <= box.clientHeight : box.scrollTop < NEAR_PX
    if (isNearTop && !window.isAtStart) void read(view.earlier)
    else if (!isFollowing && belowPx < NEAR_PX && !window.isAtEnd) void read(view.later)
    return () => clearTimeout(again)
  }, [topPx, start, end, isReady, isFollowing, window, past])
}

/** Draws a line of output in the colours that it asks for. */
export const StyledLine = ({ text }: { text: string }) =>
  styled(text).parts.map((part, i) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: parts of one line, which are drawn anew together
    <span key={i} style={part.style}>
      {part.text}
    </span>
  ))

const OutputLine = memo(function OutputLine(props: {
  line: Line
  text: string
  topPx: number
  isHit: boolean
}) {
  const { line, text, topPx, isHit } = props
  return (
    <div
      className={`line ${line.stream === 'stderr' ? 'err' : ''} ${isHit ? 'hit' : ''}`}
      style={{ position: 'absolute', top: topPx, left: 0, minWidth: '100%' }}
    >
      <StyledLine text={text} />
      {line.cutBytes > 0 && <i>{t('output.cut', { size: bytesText(line.cutBytes) })}</i>}
    </div>
  )
})
