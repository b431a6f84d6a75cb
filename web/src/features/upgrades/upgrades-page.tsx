import { Button, Stack, Table, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { call } from '../../api/client.ts'
import { useMay } from '../../api/session.ts'
import { t } from '../../i18n/index.tsx'
import { ListTable } from '../../ui/list-table.tsx'
import { Ago } from '../../ui/moment.tsx'
import { StateBadge } from '../../ui/state-badge.tsx'
import { blocks, EmptyState, ErrorState, PageHeader, Waiting } from '../../ui/states.tsx'
import { Heads, TableScroll } from '../../ui/table-scroll.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import { UpgradeBar } from './upgrade-bar.tsx'

const REFRESH_MS = 3000

/** Upgrades of agents, newest first, and the releases that there are. */
export function UpgradesPage() {
  const mayWrite = useMay('upgrades:write')
  const upgrades = useQuery({
    queryKey: ['upgrades'],
    queryFn: ({ signal }) => call('listUpgrades', {}, signal),
    refetchInterval: REFRESH_MS,
  })
  const releases = useQuery({
    queryKey: ['releases'],
    queryFn: ({ signal }) => call('listReleases', {}, signal),
  })
  const error = upgrades.error ?? releases.error
  if (blocks({ error, data: upgrades.data && releases.data }))
    return <ErrorState error={error} onRetry={() => upgrades.refetch()} />
  if (!upgrades.data || !releases.data) return <Waiting />
  return (
    <Stack>
      <PageHeader title={t('nav.upgrades')}>
        {mayWrite && (
          <Button component={Link} to="/upgrades/new">
            {t('upgrades.new')}
          </Button>
        )}
      </PageHeader>
      {upgrades.data.upgrades.length === 0 ? (
        <EmptyState title={t('upgrades.none')}>
          <Text size="sm">{t('upgrades.noneText')}</Text>
        </EmptyState>
      ) : (
        <ListTable
          minWidth={640}
          heads={[
            t('upgrades.release'),
            t('upgrades.state'),
            t('runs.progress'),
            t('commands.by'),
            t('commands.when'),
          ]}
        >
          {upgrades.data.upgrades.map((upgrade) => (
            <Table.Tr key={upgrade.id}>
              <Table.Td>
                <Link to="/upgrades/$id" params={{ id: upgrade.id }} className="row-link">
                  {upgrade.version}
                </Link>
              </Table.Td>
              <Table.Td>
                <StateBadge state={upgrade.state} reason={upgrade.reason} />
              </Table.Td>
              <Table.Td miw={200}>
                <UpgradeBar counts={upgrade.counts} />
              </Table.Td>
              <Table.Td>
                <Untrusted>{upgrade.requestedBy}</Untrusted>
              </Table.Td>
              <Table.Td>
                <Ago at={upgrade.createdAt} />
              </Table.Td>
            </Table.Tr>
          ))}
        </ListTable>
      )}
      <Title order={2}>{t('upgrades.releases')}</Title>
      <TableScroll minWidth={480}>
        <Table>
          <Heads heads={[t('upgrades.release'), t('host.architecture'), t('upgrades.origin'), 'SHA-256']} />
          <Table.Tbody>
            {releases.data.releases.map(({ version, architecture, sha256, isOwn, signedBy }) => (
              <Table.Tr key={`${version} ${architecture}`}>
                <Table.Td>{version}</Table.Td>
                <Table.Td>{architecture}</Table.Td>
                <Table.Td>{isOwn && t('upgrades.own')}</Table.Td>
                <Table.Td>{t(`upgrades.signedBy.${signedBy}`)}</Table.Td>
                <Table.Td>
                  <Text size="xs" c="dimmed" ff="monospace">
                    {sha256.slice(0, 16)}…
                  </Text>
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </TableScroll>
    </Stack>
  )
}
