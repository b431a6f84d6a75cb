import { Stack, Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import type { Answer } from '../../api/client.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { t } from '../../i18n/index.tsx'
import type { PageEntry } from '../../pages.ts'
import { type Column, LoadedTable } from '../../ui/resource-table.tsx'
import { PageHeader } from '../../ui/states.tsx'

export const page = {
  path: '/playbooks',
  needs: 'playbooks:read',
  nav: { label: 'nav.playbooks', icon: 'playbooks', place: 5 },
} satisfies PageEntry

export default function PlaybooksPage() {
  return (
    <Stack>
      <PageHeader title={t('nav.playbooks')} below={<Text size="sm">{t('playbooks.text')}</Text>} />
      <LoadedTable
        query={useAnswer('listPlaybooks', {})}
        rows={({ playbooks }) => playbooks}
        toKey={({ name }) => name}
        minWidth={420}
        columns={columns()}
        rowProps={({ name }) => ({ 'data-playbook': name })}
      />
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
