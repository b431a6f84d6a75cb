import { Button, Checkbox, Group, Text } from '@mantine/core'
import { type CommandView, isFinalState } from '@rollcall/contracts/admin'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useRef, useState } from 'react'
import { t } from '../../i18n/index.tsx'
import { bytesText } from '../../ui/words.ts'
import { styled } from './ansi.ts'
import { Download, Search } from './output-tools.tsx'
import { TAIL_BYTES, useOutputLines } from './use-output-lines.ts'

const LINE_PX = 18

interface Props {
  command: CommandView
  onCommand(command: CommandView): void
  height?: string
}

/** The output from its end, or from where somebody looks. What is not seen is not kept: a hundred megabytes cost as much as one. */
export function OutputViewer({ command, onCommand, height = '60vh' }: Props) {
  const scroller = useRef<HTMLDivElement>(null)
  const { lines, from, error, jump } = useOutputLines(command, onCommand)
  const [isFollowing, setFollowing] = useState(true)
  const [isErrOnly, setErrOnly] = useState(false)
  const [hit, setHit] = useState<number>()
  const shown = isErrOnly ? lines.lines.filter(({ stream }) => stream === 'stderr') : lines.lines
  const rows = useVirtualizer({
    count: shown.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => LINE_PX,
    overscan: 20,
  })
  useEffect(() => {
    if (isFollowing && shown.length > 0) rows.scrollToIndex(shown.length - 1, { align: 'end' })
  })
  const onScroll = () => {
    const box = scroller.current
    if (box) setFollowing(box.scrollHeight - box.scrollTop - box.clientHeight < 3 * LINE_PX)
  }
  const goTo = async (offset: number) => {
    setFollowing(false)
    await jump(Math.max(0, offset - TAIL_BYTES / 2), offset + TAIL_BYTES / 2)
    setHit(offset)
  }
  // biome-ignore lint/correctness/useExhaustiveDependencies: only when there is another hit; afterwards a person scrolls
  useEffect(() => {
    if (hit === undefined) return
    const index = shown.findIndex(
      ({ offset }, i) => offset <= hit && (shown[i + 1]?.offset ?? Number.POSITIVE_INFINITY) > hit,
    )
    if (index >= 0) rows.scrollToIndex(index, { align: 'center' })
  }, [hit, rows.scrollToIndex])
  const hitLine = hit === undefined ? -1 : shown.findLastIndex(({ offset }) => offset <= hit)
  return (
    <div>
      <Group gap="xs" mb="xs">
        <Button
          size="xs"
          variant={isFollowing ? 'filled' : 'default'}
          aria-pressed={isFollowing}
          onClick={async () => {
            if (!isFollowing) await jump(Math.max(0, command.outputBytes - TAIL_BYTES))
            setHit(undefined)
            setFollowing(!isFollowing)
          }}
        >
          {isFollowing ? t('output.pause') : t('output.follow')}
        </Button>
        <Search command={command} onHit={goTo} />
        <Checkbox
          size="xs"
          label={t('output.errOnly')}
          checked={isErrOnly}
          onChange={(event) => setErrOnly(event.currentTarget.checked)}
        />
        <Download command={command} />
        <Text size="xs" c="dimmed" ml="auto">
          {bytesText(Math.max(command.outputBytes, lines.end))}
          {command.droppedBytes > 0 && ` · ${t('output.dropped', { size: bytesText(command.droppedBytes) })}`}
        </Text>
      </Group>
      {error && (
        <Text c="red" size="sm" role="alert">
          {error}
        </Text>
      )}
      {from > 0 && (
        <Group gap="xs" mb={4}>
          <Text size="xs" c="dimmed">
            {t('output.from', { size: bytesText(from) })}
          </Text>
          <Button size="compact-xs" variant="subtle" onClick={() => goTo(Math.max(0, from - TAIL_BYTES / 2))}>
            {t('output.earlier')}
          </Button>
          <Button size="compact-xs" variant="subtle" onClick={() => goTo(0)}>
            {t('output.beginning')}
          </Button>
        </Group>
      )}
      <div
        className="output"
        ref={scroller}
        style={{ height }}
        onScroll={onScroll}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: one has to be able to scroll it by keyboard
        tabIndex={0}
        role="log"
        aria-label={t('output.title')}
        data-testid="output"
      >
        <div style={{ height: rows.getTotalSize(), position: 'relative', minWidth: 'max-content' }}>
          {rows.getVirtualItems().map(({ index, start, key }) => {
            const line = shown[index]
            if (!line) return null
            return (
              <div
                key={key}
                className={`line ${line.stream === 'stderr' ? 'err' : ''} ${index === hitLine ? 'hit' : ''}`}
                style={{ position: 'absolute', top: 0, left: 0, transform: `translateY(${start}px)` }}
              >
                {styled(line.text).parts.map(({ text, style }, i) => (
                  // biome-ignore lint/suspicious/noArrayIndexKey: parts of one line, which are drawn anew together
                  <span key={i} style={style}>
                    {text}
                  </span>
                ))}
                {line.cutBytes > 0 && <i>{t('output.cut', { size: bytesText(line.cutBytes) })}</i>}
              </div>
            )
          })}
        </div>
      </div>
    </div>
  )
}

export const isOver = (command: CommandView) => isFinalState(command.state)
