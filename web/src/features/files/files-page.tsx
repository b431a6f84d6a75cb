import { Button, Stack, Text } from '@mantine/core'
import { TRANSFER_HOST_STATE, type TransferView } from '@rollcall/contracts/admin'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useMay } from '../../api/session.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { t } from '../../i18n/index.tsx'
import type { PageEntry } from '../../pages.ts'
import { LinkButton } from '../../ui/link-button.tsx'
import { Ago } from '../../ui/moment.tsx'
import { type Column, LoadedTable } from '../../ui/resource-table.tsx'
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
  const mayFetch = useMay('files:fetch')
  const [isFetching, setFetching] = useState(false)
  return (
    <Stack>
      {isFetching && <FetchFile onClose={() => setFetching(false)} />}
      <PageHeader title={t('nav.files')}>
        {mayFetch && (
          <Button variant="default" onClick={() => setFetching(true)}>
            {t('files.fetch')}
          </Button>
        )}
        <LinkButton needs="files:write" to="/files/new" label={t('files.new')} />
      </PageHeader>
      <LoadedTable
        query={useAnswer('listTransfers', {}, { refetchInterval: REFRESH_MS })}
        rows={({ transfers }) => transfers}
        toKey={({ id }) => id}
        minWidth={560}
        empty={{ title: t('files.none'), text: t('files.noneText') }}
        columns={columns()}
      />
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
