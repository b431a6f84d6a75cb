import { Button, Stack, Text } from '@mantine/core'
import { TRANSFER_HOST_STATE, type TransferView } from '@rollcall/contracts/admin'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { call } from '../../api/client.ts'
import { useMay } from '../../api/session.ts'
import { t } from '../../i18n/index.tsx'
import type { PageEntry } from '../../pages.ts'
import { Loaded } from '../../ui/loaded.tsx'
import { Ago } from '../../ui/moment.tsx'
import { type Column, ResourceTable } from '../../ui/resource-table.tsx'
import { StateBar } from '../../ui/state-bar.tsx'
import { PageHeader } from '../../ui/states.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import { FetchFile } from './fetch-file.tsx'

const REFRESH_MS = 3000

export const page = {
  path: '/files',
  needs: 'files:read',
  nav: { label: 'nav.files', icon: 'files', place: 6 },
} satisfies PageEntry

/** Shows the files that were sent to hosts, newest first. */
export default function FilesPage() {
  const mayWrite = useMay('files:write')
  const mayFetch = useMay('files:fetch')
  const [isFetching, setFetching] = useState(false)
  const transfers = useQuery({
    queryKey: ['transfers'],
    queryFn: ({ signal }) => call('listTransfers', {}, signal),
    refetchInterval: REFRESH_MS,
  })
  return (
    <Stack>
      {isFetching && <FetchFile onClose={() => setFetching(false)} />}
      <PageHeader title={t('nav.files')}>
        {mayFetch && (
          <Button variant="default" onClick={() => setFetching(true)}>
            {t('files.fetch')}
          </Button>
        )}
        {mayWrite && (
          <Button component={Link} to="/files/new">
            {t('files.new')}
          </Button>
        )}
      </PageHeader>
      <Loaded query={transfers}>
        {(data) => (
          <ResourceTable
            rows={data.transfers}
            toKey={({ id }) => id}
            minWidth={560}
            empty={{ title: t('files.none'), text: t('files.noneText') }}
            columns={columns()}
          />
        )}
      </Loaded>
    </Stack>
  )
}

const columns = (): Column<TransferView>[] => [
  {
    head: t('files.destination'),
    maxWidth: 360,
    cell: ({ id, destination, kind }) => (
      <>
        <Link to="/files/$id" params={{ id }} className="row-link">
          <Untrusted>{destination}</Untrusted>
        </Link>
        {kind === 'tree' && (
          <Text size="xs" c="dimmed">
            {t('files.tree')}
          </Text>
        )}
      </>
    ),
  },
  {
    head: t('runs.progress'),
    minWidth: 180,
    cell: ({ counts }) => <StateBar states={TRANSFER_HOST_STATE} counts={counts} />,
  },
  { head: t('commands.by'), cell: ({ requestedBy }) => <Untrusted>{requestedBy}</Untrusted> },
  { head: t('commands.when'), cell: ({ createdAt }) => <Ago at={createdAt} /> },
]
