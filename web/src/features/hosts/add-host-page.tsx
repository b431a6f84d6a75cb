import { Stack, Tabs } from '@mantine/core'
import { t } from '../../i18n/index.tsx'
import type { PageEntry } from '../../pages.ts'
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
      <Tabs defaultValue="one" keepMounted={false}>
        <Tabs.List>
          <Tabs.Tab value="one">{t('addHost.one')}</Tabs.Tab>
          <Tabs.Tab value="many">{t('addHost.many')}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="one" pt="md">
          <OneHost />
        </Tabs.Panel>
        <Tabs.Panel value="many" pt="md">
          <ManyHosts />
        </Tabs.Panel>
      </Tabs>
    </Stack>
  )
}
