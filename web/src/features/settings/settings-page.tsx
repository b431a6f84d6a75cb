import { Stack, Text } from '@mantine/core'
import { useSession } from '../../api/session.ts'
import { t } from '../../i18n/index.tsx'
import type { PageEntry } from '../../pages.ts'
import { PageHeader } from '../../ui/states.tsx'
import { HeartbeatProfiles } from './heartbeat-profiles.tsx'
import { ServerIdentities } from './server-identities.tsx'

export const page = {
  path: '/settings',
  needs: 'profiles:read',
  nav: { label: 'nav.settings', icon: 'settings', place: 13, group: 'nav.administration' },
} satisfies PageEntry

export default function SettingsPage() {
  const { version } = useSession()
  return (
    <Stack>
      <PageHeader title={t('nav.settings')} below={<Text c="dimmed">Rollcall {version}</Text>} />
      <HeartbeatProfiles />
      <ServerIdentities />
    </Stack>
  )
}
