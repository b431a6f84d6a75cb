import { Button, Stack, Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { call } from '../../api/client.ts'
import { useMay } from '../../api/session.ts'
import { t } from '../../i18n/index.tsx'
import { ListTable } from '../../ui/list-table.tsx'
import { Ago } from '../../ui/moment.tsx'
import { blocks, EmptyState, ErrorState, PageHeader, Waiting } from '../../ui/states.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import { FetchFile } from './fetch-file.tsx'
import { TransferBar } from './transfer-bar.tsx'

const REFRESH_MS = 3000

/** Files that were placed on hosts, newest first. */
export function FilesPage() {
  const mayWrite = useMay('files:write')
  const mayFetch = useMay('files:fetch')
  const [isFetching, setFetching] = useState(false)
  const { data, error, refetch } = useQuery({
    queryKey: ['transfers'],
    queryFn: ({ signal }) => call('listTransfers', {}, signal),
    refetchInterval: REFRESH_MS,
  })
  if (blocks({ error, data })) return <ErrorState error={error} onRetry={() => refetch()} />
  if (!data) return <Waiting />
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
      {data.transfers.length === 0 ? (
        <EmptyState title={t('files.none')}>
          <Text size="sm">{t('files.noneText')}</Text>
        </EmptyState>
      ) : (
        <ListTable
          minWidth={560}
          heads={[t('files.destination'), t('runs.progress'), t('commands.by'), t('commands.when')]}
        >
          {data.transfers.map(({ id, destination, kind, counts, requestedBy, createdAt }) => (
            <Table.Tr key={id}>
              <Table.Td maw={360}>
                <Link to="/files/$id" params={{ id }} className="row-link">
                  <Untrusted>{destination}</Untrusted>
                </Link>
                {kind === 'tree' && (
                  <Text size="xs" c="dimmed">
                    {t('files.tree')}
                  </Text>
                )}
              </Table.Td>
              <Table.Td miw={180}>
                <TransferBar counts={counts} />
              </Table.Td>
              <Table.Td>
                <Untrusted>{requestedBy}</Untrusted>
              </Table.Td>
              <Table.Td>
                <Ago at={createdAt} />
              </Table.Td>
            </Table.Tr>
          ))}
        </ListTable>
      )}
    </Stack>
  )
}
