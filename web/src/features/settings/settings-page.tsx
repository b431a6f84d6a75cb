import { Stack, Text } from '@mantine/core'
import { useSession } from '../../api/session.ts'
import { t } from '../../i18n/index.tsx'
import { PageHeader } from '../../ui/states.tsx'
import { HeartbeatProfiles } from './heartbeat-profiles.tsx'
import { ServerIdentities } from './server-identities.tsx'

export function SettingsPage() {
  const { version } = useSession()
  return (
    <Stack>
      <PageHeader title={t('nav.settings')} below={<Text c="dimmed">Rollcall {version}</Text>} />
      <HeartbeatProfiles />
      <ServerIdentities />
    </Stack>
  )
}
