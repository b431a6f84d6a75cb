import { Stack, Text } from '@mantine/core'
import type { RunView } from '@rollcall/contracts/admin'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { call } from '../../api/client.ts'
import { t } from '../../i18n/index.tsx'
import type { PageEntry } from '../../pages.ts'
import { LinkButton } from '../../ui/link-button.tsx'
import { Ago } from '../../ui/moment.tsx'
import { type Column, LoadedTable } from '../../ui/resource-table.tsx'
import { ShowMore } from '../../ui/show-more.tsx'
import { PageHeader } from '../../ui/states.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import { RunBar } from './run-bar.tsx'
import { RunTitle } from './run-title.tsx'

const PAGE = 30

export const page = {
  path: '/runs',
  needs: 'commands:read',
  nav: { label: 'nav.runs', icon: 'runs', place: 3 },
} satisfies PageEntry

export default function RunsPage() {
  const pages = useInfiniteQuery({
    queryKey: ['listRuns'],
    queryFn: ({ pageParam, signal }) =>
      call('listRuns', { query: { limit: PAGE, ...(pageParam && { before: pageParam }) } }, signal),
    initialPageParam: '',
    getNextPageParam: ({ runs }) => (runs.length < PAGE ? undefined : runs.at(-1)?.id),
    refetchInterval: 5000,
  })
  return (
    <Stack>
      <PageHeader title={t('nav.runs')}>
        <LinkButton needs="commands:run" to="/run" label={t('nav.run')} />
      </PageHeader>
      <LoadedTable
        query={pages}
        rows={(data) => data.pages.flatMap((page) => page.runs)}
        toKey={({ id }) => id}
        minWidth={640}
        empty={{ title: t('runs.none'), text: t('runs.noneText') }}
        columns={columns()}
      />
      <ShowMore pages={pages} />
    </Stack>
  )
}

const columns = (): Column<RunView>[] => [
  {
    head: t('commands.command'),
    maxWidth: 420,
    cell: (run) => (
      <Link to="/runs/$id" params={{ id: run.id }} className="row-link">
        <Text size="sm" ff="monospace" truncate span display="block">
          <RunTitle run={run} />
        </Text>
      </Link>
    ),
  },
  {
    head: t('runs.progress'),
    minWidth: 200,
    cell: ({ counts, playbook }) => <RunBar counts={counts} playbook={playbook} />,
  },
  { head: t('commands.by'), cell: ({ requestedBy }) => <Untrusted>{requestedBy}</Untrusted> },
  { head: t('commands.when'), cell: ({ createdAt }) => <Ago at={createdAt} /> },
]
