import { Stack } from '@mantine/core'
import { t } from '../../i18n/index.tsx'
import type { PageEntry } from '../../pages.ts'
import { PageTabs } from '../../ui/page-tabs.tsx'
import { PageHeader } from '../../ui/states.tsx'
import { ManyHosts } from './many-hosts.tsx'
import { OneHost } from './one-host.tsx'

export const page = {
  path: '/hosts/add',
  needs: 'hosts:write',
} satisfies PageEntry

export default function AddHostPage() {
  return (
    <Stack maw={860}>
      <PageHeader title={t('addHost.title')} />
      <PageTabs
        tabs={[
          { name: 'one', label: t('addHost.one'), content: <OneHost /> },
          { name: 'many', label: t('addHost.many'), content: <ManyHosts /> },
        ]}
      />
    </Stack>
  )
}
