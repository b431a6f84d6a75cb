import { Button, Stack, Text, Title } from '@mantine/core'
import { UPGRADE_HOST_STATE, type UpgradeView } from '@rollcall/contracts/admin'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { type Answer, call } from '../../api/client.ts'
import { useMay } from '../../api/session.ts'
import { t } from '../../i18n/index.tsx'
import type { PageEntry } from '../../pages.ts'
import { Loaded } from '../../ui/loaded.tsx'
import { Ago } from '../../ui/moment.tsx'
import { type Column, ResourceTable } from '../../ui/resource-table.tsx'
import { StateBadge } from '../../ui/state-badge.tsx'
import { StateBar } from '../../ui/state-bar.tsx'
import { PageHeader } from '../../ui/states.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'

const REFRESH_MS = 3000

export const page = {
  path: '/upgrades',
  needs: 'upgrades:read',
  nav: { label: 'nav.upgrades', icon: 'upgrades', place: 8 },
} satisfies PageEntry

/** Shows the upgrades of agents, newest first, and the releases that there are. */
export default function UpgradesPage() {
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
  return (
    <Stack>
      <PageHeader title={t('nav.upgrades')}>
        {mayWrite && (
          <Button component={Link} to="/upgrades/new">
            {t('upgrades.new')}
          </Button>
        )}
      </PageHeader>
      <Loaded query={upgrades}>
        {(data) => (
          <ResourceTable
            rows={data.upgrades}
            toKey={({ id }) => id}
            minWidth={640}
            empty={{ title: t('upgrades.none'), text: t('upgrades.noneText') }}
            columns={upgradeColumns()}
          />
        )}
      </Loaded>
      <Title order={2}>{t('upgrades.releases')}</Title>
      <Loaded query={releases}>
        {(data) => (
          <ResourceTable
            rows={data.releases}
            toKey={({ version, architecture }) => `${version} ${architecture}`}
            minWidth={480}
            columns={releaseColumns()}
          />
        )}
      </Loaded>
    </Stack>
  )
}

const upgradeColumns = (): Column<UpgradeView>[] => [
  {
    head: t('upgrades.release'),
    cell: ({ id, version }) => (
      <Link to="/upgrades/$id" params={{ id }} className="row-link">
        {version}
      </Link>
    ),
  },
  { head: t('upgrades.state'), cell: ({ state, reason }) => <StateBadge state={state} reason={reason} /> },
  {
    head: t('runs.progress'),
    minWidth: 200,
    cell: ({ counts }) => <StateBar states={UPGRADE_HOST_STATE} counts={counts} />,
  },
  { head: t('commands.by'), cell: ({ requestedBy }) => <Untrusted>{requestedBy}</Untrusted> },
  { head: t('commands.when'), cell: ({ createdAt }) => <Ago at={createdAt} /> },
]

const releaseColumns = (): Column<Answer<'listReleases'>['releases'][number]>[] => [
  { head: t('upgrades.release'), cell: ({ version }) => version },
  { head: t('host.architecture'), cell: ({ architecture }) => architecture },
  { head: t('upgrades.origin'), cell: ({ isOwn }) => isOwn && t('upgrades.own') },
  { head: t('upgrades.signature'), cell: ({ signedBy }) => t(`upgrades.signedBy.${signedBy}`) },
  {
    head: 'SHA-256',
    cell: ({ sha256 }) => (
      <Text size="xs" c="dimmed" ff="monospace">
        {sha256.slice(0, 16)}…
      </Text>
    ),
  },
]
