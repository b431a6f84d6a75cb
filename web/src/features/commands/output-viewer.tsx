import { Button, Checkbox, Group, Text, TextInput } from '@mantine/core'
import { type CommandView, isFinalState } from '@rollcall/contracts/admin'
import { useVirtualizer } from '@tanstack/react-virtual'
import { type KeyboardEvent, useCallback, useEffect, useRef, useState } from 'react'
import { call } from '../../api/client.ts'
import { bytesOf, followOutput } from '../../api/use-output.ts'
import { t } from '../../i18n/index.tsx'
import { messageOf } from '../../ui/states.tsx'
import { bytesText } from '../../ui/words.ts'
import { styled } from './ansi.ts'
import { OutputLines } from './output-lines.ts'

const LINE_PX = 18
/** What is read first of a long output, and what is read at a time going back. */
const TAIL_BYTES = 512 * 1024
const PAGE_BYTES = 1024 * 1024
const MOST_DOWNLOADED = 2 * 1024 ** 3

interface Props {
  command: CommandView
  onCommand(command: CommandView): void
  height?: string
}

/** The output from its end, or from where somebody looks. What is not seen is not kept: a hundred megabytes cost as much as one. */
export function OutputViewer({ command, onCommand, height = '60vh' }: Props) {
  const scroller = useRef<HTMLDivElement>(null)
  const { lines, from, error, jump } = useLines(command, onCommand)
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

/** Lines from the tail on, growing while the command runs; or a part of them, after a jump. */
function useLines(command: CommandView, onCommand: (command: CommandView) => void) {
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

/** Stored output between two bytes, page by page. */
async function* readOutput(id: string, from: number, until: number) {
  for (let offset = from; offset < until; ) {
    const query = { offset, maxBytes: Math.min(PAGE_BYTES, until - offset) }
    const page = await call('readOutput', { params: { id }, query })
    for (const { stream, data } of page.chunks) yield { stream, data: bytesOf(data), offset }
    if (page.chunks.length === 0) return
    offset = page.nextOffset
  }
}

/** Looks through all of the output, a page at a time, from the last hit on. */
function Search({ command, onHit }: { command: CommandView; onHit(offset: number): Promise<void> }) {
  const [text, setText] = useState('')
  const [state, setState] = useState<string>('')
  const next = useRef(0)
  const search = async () => {
    const wanted = text.toLowerCase()
    if (!wanted) return
    setState(t('output.searching'))
    let carried = ''
    let position = next.current
    try {
      for await (const { data } of readOutput(command.id, next.current, command.outputBytes)) {
        // One character for each byte, so that places in the text are offsets.
        const part = Array.from(data, (byte) => String.fromCharCode(byte)).join('')
        const whole = carried + part
        const found = whole.toLowerCase().indexOf(latin1(wanted))
        if (found >= 0) {
          const offset = position - carried.length + found
          next.current = offset + 1
          setState('')
          return await onHit(offset)
        }
        position += part.length
        carried = whole.slice(-wanted.length * 4)
      }
      setState(next.current === 0 ? t('output.notFound') : t('output.noMore'))
      next.current = 0
    } catch (error) {
      setState(messageOf(error))
    }
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter') void search()
  }
  return (
    <Group gap={4}>
      <TextInput
        size="xs"
        w={180}
        value={text}
        placeholder={t('output.search')}
        aria-label={t('output.search')}
        onKeyDown={onKeyDown}
        onChange={(event) => {
          next.current = 0
          setState('')
          setText(event.currentTarget.value)
        }}
      />
      <Text size="xs" c="dimmed" role="status">
        {state}
      </Text>
    </Group>
  )
}

const latin1 = (text: string) =>
  Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join('')

function Download({ command }: { command: CommandView }) {
  const [progress, setProgress] = useState<number>()
  const download = async () => {
    const parts: BlobPart[] = []
    let done = 0
    for await (const { data } of readOutput(command.id, 0, Math.min(command.outputBytes, MOST_DOWNLOADED))) {
      parts.push(data)
      done += data.length
      setProgress(done / command.outputBytes)
    }
    setProgress(undefined)
    const link = document.createElement('a')
    link.href = URL.createObjectURL(new Blob(parts, { type: 'application/octet-stream' }))
    link.download = `${command.host.name}-${command.id.slice(0, 8)}.log`
    link.click()
    URL.revokeObjectURL(link.href)
  }
  return (
    <Button
      size="xs"
      variant="default"
      onClick={download}
      loading={progress !== undefined}
      disabled={command.outputBytes === 0}
    >
      {t('output.download')}
    </Button>
  )
}

export const isOver = (command: CommandView) => isFinalState(command.state)
