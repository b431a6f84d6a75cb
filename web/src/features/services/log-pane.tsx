import { Text } from '@mantine/core'
import { useElementSize, useMergedRef } from '@mantine/hooks'
import { memo, useLayoutEffect, useRef, useState } from 'react'
import { t } from '../../i18n/index.tsx'
import { StyledLine } from '../commands/output-pane.tsx'
import type { LogLine } from './merged-log.ts'

const LINE_PX = 18
/** Lines that are drawn above and below what is seen. */
const SPARE = 20
/** So near to the end one is at the end. */
const AT_END_PX = 3 * LINE_PX

/** Legible on the dark ground of the pane. */
const COLORS = [
  '#58a6ff',
  '#3fb950',
  '#d29922',
  '#bc8cff',
  '#ff7b72',
  '#39c5cf',
  '#f0883e',
  '#d2a8ff',
  '#56d364',
]

/** The colour of texts that no program has written. */
const QUIET = '#8b949e'

export const slotColor = (slot: number): string => COLORS[(slot - 1) % COLORS.length] as string

interface Props {
  lines: readonly LogLine[]
  dropped: number
  isReading: boolean
}

/** Draws the lines that are seen. Whoever is at the end stays there as lines come. */
export function LogPane({ lines, dropped, isReading }: Props) {
  const scroller = useRef<HTMLDivElement>(null)
  const { ref: sizeRef, height } = useElementSize()
  const boxRef = useMergedRef(scroller, sizeRef)
  const [topPx, setTopPx] = useState(0)
  const [isAtEnd, setAtEnd] = useState(true)
  useLayoutEffect(() => {
    const box = scroller.current
    if (box && isAtEnd) box.scrollTop = box.scrollHeight
  })
  const seen = Math.ceil((height || 600) / LINE_PX)
  const first = isAtEnd ? lines.length - seen : Math.floor(topPx / LINE_PX)
  const from = Math.max(0, Math.min(first, lines.length) - SPARE)
  const onScroll = () => {
    const box = scroller.current
    if (!box) return
    setTopPx(box.scrollTop)
    setAtEnd(box.scrollHeight - box.scrollTop - box.clientHeight < AT_END_PX)
  }
  return (
    <div
      className="output"
      ref={boxRef}
      style={{ height: '55vh' }}
      onScroll={onScroll}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: one has to be able to scroll it by keyboard
      tabIndex={0}
      role="log"
      aria-label={t('logs.title')}
    >
      {lines.length === 0 && (
        <Text size="sm" p="sm" c="gray.4" role="status">
          {t(isReading ? 'logs.reading' : 'logs.none')}
        </Text>
      )}
      {dropped > 0 && from === 0 && (
        <Text size="xs" px="sm" c="gray.4">
          {t('logs.dropped', { count: dropped })}
        </Text>
      )}
      <div style={{ height: lines.length * LINE_PX, position: 'relative' }}>
        {lines.slice(from, Math.max(0, first) + seen + SPARE).map((line, i) => (
          <Line key={line.key} line={line} topPx={(from + i) * LINE_PX} />
        ))}
      </div>
    </div>
  )
}

/** `10:00:00.000` in the time of whoever reads it. */
function timeText(atUs: number): string {
  const moment = new Date(atUs / 1000)
  const two = (value: number) => String(value).padStart(2, '0')
  return `${two(moment.getHours())}:${two(moment.getMinutes())}:${two(moment.getSeconds())}.${String(moment.getMilliseconds()).padStart(3, '0')}`
}

const Line = memo(function Line({ line, topPx }: { line: LogLine; topPx: number }) {
  const { atUs, slot, container, isErr, isHost, text } = line
  return (
    <div
      className={`line ${isErr ? 'err' : ''}`}
      style={{ position: 'absolute', top: topPx, left: 0, minWidth: '100%' }}
      data-slot={slot}
    >
      <span style={{ color: QUIET }}>{timeText(atUs)}</span>{' '}
      <span style={{ color: slotColor(slot) }}>
        <StyledLine text={`.${slot} ${container}`} />
      </span>{' '}
      <span style={isHost ? { color: QUIET } : undefined}>
        <StyledLine text={text} />
      </span>
    </div>
  )
})
