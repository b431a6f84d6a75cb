import { Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { type Answer, call } from '../../api/client.ts'
import { t } from '../../i18n/index.tsx'
import type { PageEntry } from '../../pages.ts'
import { Loaded } from '../../ui/loaded.tsx'
import { type Column, ResourceTable } from '../../ui/resource-table.tsx'
import { PageHeader } from '../../ui/states.tsx'

export const page = {
  path: '/playbooks',
  needs: 'playbooks:read',
  nav: { label: 'nav.playbooks', icon: 'playbooks', place: 5 },
} satisfies PageEntry

export default function PlaybooksPage() {
  const playbooks = useQuery({
    queryKey: ['playbooks'],
    queryFn: ({ signal }) => call('listPlaybooks', {}, signal),
  })
  return (
    <Stack>
      <PageHeader title={t('nav.playbooks')} below={<Text size="sm">{t('playbooks.text')}</Text>} />
      <Loaded query={playbooks}>
        {(data) => (
          <ResourceTable
            rows={data.playbooks}
            toKey={({ name }) => name}
            minWidth={420}
            columns={columns()}
            rowProps={({ name }) => ({ 'data-playbook': name })}
          />
        )}
      </Loaded>
    </Stack>
  )
}

const columns = (): Column<Answer<'listPlaybooks'>['playbooks'][number]>[] => [
  {
    head: t('kind.playbook'),
    cell: ({ name, title }) => (
      <>
        <Link to="/playbooks/$playbook" params={{ playbook: name }} className="row-link">
          {title}
        </Link>
        <Text size="xs" ff="monospace" c="dimmed">
          {name}
        </Text>
      </>
    ),
  },
  { head: t('playbooks.what'), cell: ({ description }) => <Text size="sm">{description}</Text> },
]
