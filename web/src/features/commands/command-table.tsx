import { Text } from '@mantine/core'
import { type CommandView, toRunState } from '@rollcall/contracts/admin'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { call } from '../../api/client.ts'
import { t } from '../../i18n/index.tsx'
import { commandTitle, durationText } from '../../ui/format-values.ts'
import { Ago } from '../../ui/moment.tsx'
import { type Column, LoadedTable } from '../../ui/resource-table.tsx'
import { ShowMore } from '../../ui/show-more.tsx'
import { StateBadge } from '../../ui/state-badge.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'

const PAGE = 50
export type CommandFilter = {
  host?: string
  search?: string
  state?: CommandView['state']
  kind?: CommandView['kind']
}

export function CommandTable({ query }: { query: CommandFilter }) {
  const pages = useInfiniteQuery({
    queryKey: ['listCommands', query],
    queryFn: ({ pageParam: before, signal }) =>
      call('listCommands', { query: { ...query, limit: PAGE, before } }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ commands }) => (commands.length < PAGE ? undefined : commands.at(-1)?.id),
    refetchInterval: 5000,
  })
  const none = Object.keys(query).length > 0 ? t('commands.noneFits') : t('commands.none')
  return (
    <>
      <LoadedTable
        query={pages}
        rows={(data) => data.pages.flatMap((page) => page.commands)}
        toKey={({ id }) => id}
        minWidth={720}
        empty={{ title: none }}
        columns={columns()}
      />
      <ShowMore pages={pages} />
    </>
  )
}

const columns = (): Column<CommandView>[] => [
  {
    head: t('fleet.state'),
    cell: (command) => <StateBadge state={toRunState(command)} reason={command.reason} />,
  },
  { head: t('fleet.host'), cell: ({ host }) => <Untrusted>{host.name}</Untrusted> },
  {
    head: t('commands.command'),
    maxWidth: 420,
    cell: (command) => (
      <Link to="/commands/$id" params={{ id: command.id }} className="row-link">
        <Text size="sm" ff="monospace" truncate span display="block">
          <Untrusted>{toTitle(command)}</Untrusted>
        </Text>
      </Link>
    ),
  },
  { head: t('commands.by'), cell: ({ requestedBy }) => <Untrusted>{requestedBy}</Untrusted> },
  { head: t('commands.when'), cell: ({ createdAt }) => <Ago at={createdAt} /> },
  { head: t('commands.took'), cell: tookText },
]

export function toTitle(command: CommandView): string {
  if (command.kind === 'terminal') return t('commands.terminal')
  if (command.kind === 'ssh_terminal') return `${t('commands.terminal')} (SSH)`
  if (command.kind === 'install') return t('commands.install')
  if (command.kind === 'upgrade') return t('commands.upgrade')
  if (command.kind === 'remove') return t('commands.remove')
  return commandTitle(command.program, command.args)
}

export const tookText = ({ startedAt, endedAt }: CommandView) =>
  startedAt && endedAt ? durationText(Date.parse(endedAt) - Date.parse(startedAt)) : '–'
