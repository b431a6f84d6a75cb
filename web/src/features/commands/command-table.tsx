import { Button, Table, Text } from '@mantine/core'
import type { CommandView } from '@rollcall/contracts/admin'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { call } from '../../api/client.ts'
import { t } from '../../i18n/index.tsx'
import { Ago } from '../../ui/moment.tsx'
import { StateBadge } from '../../ui/state-badge.tsx'
import { blocks, EmptyState, ErrorState, Waiting } from '../../ui/states.tsx'
import { TableScroll } from '../../ui/table-scroll.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import { commandTitle, durationText } from '../../ui/words.ts'

const PAGE = 50
export type CommandFilter = {
  host?: string
  search?: string
  state?: CommandView['state']
  kind?: CommandView['kind']
}

export function CommandTable({ query }: { query: CommandFilter }) {
  const pages = useInfiniteQuery({
    queryKey: ['commands', query],
    queryFn: ({ pageParam, signal }) =>
      call(
        'listCommands',
        { query: { ...query, limit: PAGE, ...(pageParam && { before: pageParam }) } },
        signal,
      ),
    initialPageParam: '',
    getNextPageParam: ({ commands }) => (commands.length < PAGE ? undefined : commands.at(-1)?.id),
    refetchInterval: 5000,
  })
  if (blocks(pages)) return <ErrorState error={pages.error} onRetry={() => pages.refetch()} />
  if (!pages.data) return <Waiting />
  const commands = pages.data.pages.flatMap((page) => page.commands)
  if (commands.length === 0)
    return <EmptyState title={Object.keys(query).length > 0 ? t('commands.noneFits') : t('commands.none')} />
  return (
    <>
      <TableScroll minWidth={720}>
        <Table highlightOnHover>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('fleet.state')}</Table.Th>
              <Table.Th>{t('fleet.host')}</Table.Th>
              <Table.Th>{t('commands.command')}</Table.Th>
              <Table.Th>{t('commands.by')}</Table.Th>
              <Table.Th>{t('commands.when')}</Table.Th>
              <Table.Th>{t('commands.took')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {commands.map((command) => (
              <Table.Tr key={command.id}>
                <Table.Td>
                  <StateBadge state={command.isHeld ? 'held' : command.state} reason={command.reason} />
                </Table.Td>
                <Table.Td>
                  <Untrusted>{command.host.name}</Untrusted>
                </Table.Td>
                <Table.Td maw={420}>
                  <Link to="/commands/$id" params={{ id: command.id }} className="row-link">
                    <Text size="sm" ff="monospace" truncate span display="block">
                      <Untrusted>{toTitle(command)}</Untrusted>
                    </Text>
                  </Link>
                </Table.Td>
                <Table.Td>
                  <Untrusted>{command.requestedBy}</Untrusted>
                </Table.Td>
                <Table.Td>
                  <Ago at={command.createdAt} />
                </Table.Td>
                <Table.Td>{tookText(command)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </TableScroll>
      {pages.hasNextPage && (
        <Button
          variant="default"
          mt="sm"
          loading={pages.isFetchingNextPage}
          onClick={() => pages.fetchNextPage()}
        >
          {t('more')}
        </Button>
      )}
    </>
  )
}

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
