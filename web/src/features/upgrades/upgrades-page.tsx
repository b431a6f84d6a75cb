import { Stack, Text, Title } from '@mantine/core'
import { UPGRADE_HOST_STATE, type UpgradeView } from '@rollcall/contracts/admin'
import { Link } from '@tanstack/react-router'
import type { Answer } from '../../api/client.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { t } from '../../i18n/index.tsx'
import type { PageEntry } from '../../pages.ts'
import { LinkButton } from '../../ui/link-button.tsx'
import { Ago } from '../../ui/moment.tsx'
import { type Column, LoadedTable } from '../../ui/resource-table.tsx'
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
  return (
    <Stack>
      <PageHeader title={t('nav.upgrades')}>
        <LinkButton needs="upgrades:write" to="/upgrades/new" label={t('upgrades.new')} />
      </PageHeader>
      <LoadedTable
        query={useAnswer('listUpgrades', {}, { refetchInterval: REFRESH_MS })}
        rows={({ upgrades }) => upgrades}
        toKey={({ id }) => id}
        minWidth={640}
        empty={{ title: t('upgrades.none'), text: t('upgrades.noneText') }}
        columns={upgradeColumns()}
      />
      <Title order={2}>{t('upgrades.releases')}</Title>
      <LoadedTable
        query={useAnswer('listReleases', {})}
        rows={({ releases }) => releases}
        toKey={({ version, architecture }) => `${version} ${architecture}`}
        minWidth={480}
        columns={releaseColumns()}
      />
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
