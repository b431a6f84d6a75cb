import { Stack, Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { call } from '../../api/client.ts'
import { t } from '../../i18n/index.tsx'
import { blocks, ErrorState, PageHeader, Waiting } from '../../ui/states.tsx'

export function PlaybooksPage() {
  const { data, error, refetch } = useQuery({
    queryKey: ['playbooks'],
    queryFn: ({ signal }) => call('listPlaybooks', {}, signal),
  })
  if (blocks({ error, data })) return <ErrorState error={error} onRetry={() => refetch()} />
  if (!data) return <Waiting />
  return (
    <Stack>
      <PageHeader title={t('nav.playbooks')} below={<Text size="sm">{t('playbooks.text')}</Text>} />
      <Table highlightOnHover>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('kind.playbook')}</Table.Th>
            <Table.Th visibleFrom="sm">{t('playbooks.what')}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {data.playbooks.map(({ name, title, description }) => (
            <Table.Tr key={name} data-playbook={name}>
              <Table.Td>
                <Link to="/playbooks/$playbook" params={{ playbook: name }} className="row-link">
                  {title}
                </Link>
                <Text size="xs" ff="monospace" c="dimmed">
                  {name}
                </Text>
              </Table.Td>
              <Table.Td visibleFrom="sm">
                <Text size="sm">{description}</Text>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Stack>
  )
}
