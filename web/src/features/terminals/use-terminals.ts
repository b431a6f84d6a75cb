import { COMMAND_STATE } from '@rollcall/contracts/admin'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import { call } from '../../api/client.ts'
import { useSession } from '../../api/session.ts'
import { useRequest } from '../../ui/use-request.ts'
import { type OpenTerminal, tabsOf } from './terminal-tabs.ts'

const REFRESH_MS = 5000
/** The most that the server lists at a time. */
const MAX_LISTED = 1000
/** Until the page has told how large it is. */
const FIRST_SIZE = { columns: 100, rows: 30 }

/** Reads every terminal that runs and that the user may see, wherever it was opened. */
function useRunningTerminals() {
  return useQuery({
    queryKey: ['listCommands', 'terminals'],
    queryFn: async ({ signal }) => {
      const lists = (['terminal', 'ssh_terminal'] as const).flatMap((kind) =>
        COMMAND_STATE.except('isOver').map((state) =>
          call('listCommands', { query: { kind, state, limit: MAX_LISTED } }, signal),
        ),
      )
      return (await Promise.all(lists)).flatMap(({ commands }) => commands)
    },
    refetchInterval: REFRESH_MS,
  })
}

/** Returns the terminals on the page, which of them is shown, and what can be done with them. */
export function useTerminals() {
  const { principal } = useSession()
  const running = useRunningTerminals()
  /** Terminals shown on this page since it was opened. */
  const [seen, setSeen] = useState<readonly OpenTerminal[]>([])
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set())
  const [chosen, setActive] = useState<string | null>(null)
  const tabs = tabsOf(running.data ?? [], seen, closed, principal?.name)
  const active = tabs.find(({ id }) => id === chosen) ?? tabs.findLast(({ isMine }) => isMine) ?? tabs.at(-1)
  const keep = (terminal: OpenTerminal) =>
    setSeen((now) => (now.some(({ id }) => id === terminal.id) ? now : [...now, terminal]))
  // One that ends while it is shown stays to be read.
  const { data } = running
  // biome-ignore lint/correctness/useExhaustiveDependencies: keeping is the same at each drawing
  useEffect(() => {
    const shown = data?.find(({ id }) => id === active?.id)
    if (shown) keep(shown)
  }, [data, active?.id])
  const onSent = ({ command }: { command: OpenTerminal }) => {
    keep(command)
    setActive(command.id)
  }
  const open = useRequest((host: string) => call('openTerminal', { params: { host }, body: FIRST_SIZE }), {
    invalidates: ['listCommands'],
    onSent,
  })
  const show = useRequest((id: string) => call('showCommand', { params: { id } }), { onSent })
  useOpenedWith(open.mutate, show.mutate)
  return {
    running,
    tabs,
    active,
    setActive,
    open: open.mutate,
    error: open.error ?? show.error,
    close: (id: string) => setClosed((now) => new Set(now).add(id)),
  }
}

/** Opens or shows what the page was opened with, and takes it out of the address: a reload does not open another shell. */
function useOpenedWith(open: (host: string) => void, show: (id: string) => void): void {
  const { host, command } = useSearch({ from: '/inside/terminals' })
  const navigate = useNavigate()
  const opened = useRef<string>(undefined)
  const forget = () =>
    void navigate({ to: '/terminals', search: { host: undefined, command: undefined }, replace: true })
  // biome-ignore lint/correctness/useExhaustiveDependencies: one shell for each time that the page is opened for a host
  useEffect(() => {
    if (!host || opened.current === host) return
    opened.current = host
    forget()
    open(host)
  }, [host])
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each time that a terminal is asked for
  useEffect(() => {
    if (!command) return
    forget()
    show(command)
  }, [command])
}
