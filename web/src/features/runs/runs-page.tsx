import { Button, Group, Stack, Table, Text } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { call } from '../../api/client.ts'
import { useMay } from '../../api/session.ts'
import { t } from '../../i18n/index.tsx'
import { ListTable } from '../../ui/list-table.tsx'
import { Ago } from '../../ui/moment.tsx'
import { blocks, EmptyState, ErrorState, PageHeader, Waiting } from '../../ui/states.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import { RunBar } from './run-bar.tsx'
import { RunTitle } from './run-title.tsx'

const PAGE = 30

export function RunsPage() {
  const mayRun = useMay('commands:run')
  const pages = useInfiniteQuery({
    queryKey: ['runs'],
    queryFn: ({ pageParam, signal }) =>
      call('listRuns', { query: { limit: PAGE, ...(pageParam && { before: pageParam }) } }, signal),
    initialPageParam: '',
    getNextPageParam: ({ runs }) => (runs.length < PAGE ? undefined : runs.at(-1)?.id),
    refetchInterval: 5000,
  })
  if (blocks(pages)) return <ErrorState error={pages.error} onRetry={() => pages.refetch()} />
  if (!pages.data) return <Waiting />
  const runs = pages.data.pages.flatMap((page) => page.runs)
  return (
    <Stack>
      <PageHeader title={t('nav.runs')}>
        {mayRun && (
          <Button component={Link} to="/run">
            {t('nav.run')}
          </Button>
        )}
      </PageHeader>
      {runs.length === 0 ? (
        <EmptyState title={t('runs.none')}>
          <Text size="sm">{t('runs.noneText')}</Text>
        </EmptyState>
      ) : (
        <ListTable
          minWidth={640}
          heads={[t('commands.command'), t('runs.progress'), t('commands.by'), t('commands.when')]}
        >
          {runs.map((run) => (
            <Table.Tr key={run.id}>
              <Table.Td maw={420}>
                <Link to="/runs/$id" params={{ id: run.id }} className="row-link">
                  <Text size="sm" ff="monospace" truncate span display="block">
                    <RunTitle run={run} />
                  </Text>
                </Link>
              </Table.Td>
              <Table.Td miw={200}>
                <RunBar counts={run.counts} playbook={run.playbook} />
              </Table.Td>
              <Table.Td>
                <Untrusted>{run.requestedBy}</Untrusted>
              </Table.Td>
              <Table.Td>
                <Ago at={run.createdAt} />
              </Table.Td>
            </Table.Tr>
          ))}
        </ListTable>
      )}
      {pages.hasNextPage && (
        <Group>
          <Button variant="default" onClick={() => pages.fetchNextPage()}>
            {t('more')}
          </Button>
        </Group>
      )}
    </Stack>
  )
}
