import '@xterm/xterm/css/xterm.css'
import { Text } from '@mantine/core'
import { type CommandView, isFinalState } from '@rollcall/contracts/admin'
import { FitAddon } from '@xterm/addon-fit'
import { Terminal as XTerm } from '@xterm/xterm'
import { useEffect, useRef, useState } from 'react'
import { ApiError, call, isTransient } from '../../api/client.ts'
import { followOutput } from '../../api/use-output.ts'
import { t } from '../../i18n/index.tsx'
import { Failure } from '../../ui/resource-form.tsx'
import { StateBadge } from '../../ui/state-badge.tsx'
import { toMessage } from '../../ui/states.tsx'
import { InputQueue } from './input-queue.ts'
import { useWriters, Writers } from './writers.tsx'

/** Drawn again after a reload. */
const REPLAYED_BYTES = 256 * 1024

/** Draws one shell. The page may go and come back: output continues from its offset, input from where the host has it. */
export default function Terminal({ id, onGone }: { id: string; onGone(): void }) {
  const place = useRef<HTMLDivElement>(null)
  const [command, setCommand] = useState<CommandView>()
  const [error, setError] = useState<string>()
  const gone = useRef(onGone)
  gone.current = onGone
  const writers = useWriters(id)
  const { mayWrite } = writers
  const isShared = useRef(false)
  isShared.current = writers.names.length > 1
  useEffect(() => {
    const element = place.current
    if (!element) return
    let stop: () => void = () => undefined
    let isOver = false
    setError(undefined)
    call('showCommand', { params: { id } }).then(
      ({ command: found }) => {
        if (isOver) return
        setCommand(found)
        const onError = (failure: unknown) => setError(toMessage(failure))
        stop = show(element, found, { isShared, mayWrite, onCommand: setCommand, onError })
      },
      (failure) =>
        failure instanceof ApiError && failure.status === 404 ? gone.current() : setError(toMessage(failure)),
    )
    return () => {
      isOver = true
      stop()
    }
  }, [id, mayWrite])
  return (
    <>
      <Failure error={error} />
      {command && isFinalState(command.state) && (
        <Text size="sm" role="status">
          <StateBadge state={command.state} reason={command.reason} /> {t('terminals.ended')}
        </Text>
      )}
      {command && !isFinalState(command.state) && <Writers id={id} {...writers} />}
      <div ref={place} className="terminal" data-testid="terminal" />
    </>
  )
}

interface Shown {
  /** Tells whether others type as well. */
  isShared: { readonly current: boolean }
  mayWrite: boolean
  onCommand(command: CommandView): void
  onError(error: unknown): void
}

function show(
  element: HTMLElement,
  command: CommandView,
  { isShared, mayWrite, onCommand, onError }: Shown,
): () => void {
  const { id } = command
  // What a program says may set neither title nor clipboard, and opens no links: xterm does so only where asked to.
  const terminal = new XTerm({
    cursorBlink: mayWrite,
    disableStdin: !mayWrite,
    fontFamily: "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace",
    fontSize: 13,
    scrollback: 10_000,
    screenReaderMode: false,
    theme: { background: '#0d1117', foreground: '#e6edf3' },
  })
  const fit = new FitAddon()
  terminal.loadAddon(fit)
  terminal.open(element)
  const input = new InputQueue(
    command.inputBytes,
    (offset, data) => call('writeInput', { params: { id }, body: { offset, data } }),
    {
      isPassing: isTransient,
      failed: onError,
      wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      offset: () => (isShared.current ? inputBytesOf(id) : undefined),
    },
  )
  const encoder = new TextEncoder()
  let isReplaying = true
  // A program's questions to the terminal were answered when they were asked: not again at each reload.
  terminal.onData((text) => {
    if (!isReplaying) input.push(encoder.encode(text))
  })
  terminal.onBinary((text) => input.push(Uint8Array.from(text, (char) => char.charCodeAt(0))))
  let isRunning = command.state === 'running'
  terminal.onResize(({ cols, rows }) => {
    // It is told its size when it runs; what has ended has none.
    if (!mayWrite || !isRunning) return
    call('resizeTerminal', { params: { id }, body: { columns: cols, rows } }).catch((error) => {
      // It has ended meanwhile.
      if (!(error instanceof ApiError && error.code === 'command.not_running')) onError(error)
    })
  })
  const replayedUntil = command.outputBytes
  const stop = followOutput(id, Math.max(0, command.outputBytes - REPLAYED_BYTES), {
    output({ data }, offset) {
      terminal.write(data, () => {
        if (offset + data.length >= replayedUntil) isReplaying = false
      })
    },
    command(next) {
      isRunning = next.state === 'running'
      onCommand(next)
      if (mayWrite && next.state === 'running') {
        const { cols: columns, rows } = terminal
        call('resizeTerminal', { params: { id }, body: { columns, rows } }).catch(onError)
      }
    },
    error: (message) => onError(new Error(message)),
  })
  if (command.outputBytes === 0) isReplaying = false
  const resize = new ResizeObserver(() => fit.fit())
  resize.observe(element)
  fit.fit()
  terminal.focus()
  return () => {
    stop()
    input.close()
    resize.disconnect()
    terminal.dispose()
  }
}

const inputBytesOf = async (id: string) => (await call('showCommand', { params: { id } })).command.inputBytes
