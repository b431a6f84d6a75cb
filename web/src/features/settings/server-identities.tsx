import { Stack, Table, Text, Title } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { call } from '../../api/client.ts'
import { useMay, useSession } from '../../api/session.ts'
import { t } from '../../i18n/index.tsx'
import { ConfirmButton } from '../../ui/confirm.tsx'
import { ErrorState } from '../../ui/states.tsx'
import { TableScroll } from '../../ui/table-scroll.tsx'
import { momentText } from '../../ui/words.ts'

const KEY = ['server-identities']
/** While agents are being given a new one. */
const LOOK_AGAIN_MS = 2000

/** By which certificates the agents know the servers. It concerns all hosts: not for whoever is limited to some. */
export function ServerIdentities() {
  const { principal } = useSession()
  const mayWrite = useMay('identity:write')
  const client = useQueryClient()
  const isForAll = principal?.scope === null
  const { data, error } = useQuery({
    queryKey: KEY,
    enabled: isForAll,
    queryFn: ({ signal }) => call('listServerIdentities', {}, signal),
    refetchInterval: ({ state }) =>
      state.data?.identities.slice(1).some(({ agents }) => agents > 0) ? LOOK_AGAIN_MS : false,
  })
  if (!isForAll) return null
  if (error) return <ErrorState error={error} />
  return (
    <Stack>
      <Title order={2}>{t('identity.title')}</Title>
      <Text size="sm" maw={760}>
        {t('identity.text')}
      </Text>
      <TableScroll minWidth={800}>
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('identity.pin')}</Table.Th>
              <Table.Th>{t('identity.made')}</Table.Th>
              <Table.Th>{t('identity.agents')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {data?.identities.map(({ pin, createdAt, agents }) => (
              <Table.Tr key={pin}>
                <Table.Td>
                  <code>{pin}</code>
                </Table.Td>
                <Table.Td>{momentText(createdAt)}</Table.Td>
                <Table.Td>{agents}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </TableScroll>
      {mayWrite && (
        <div>
          <ConfirmButton
            size="sm"
            label={t('identity.renew')}
            title={t('identity.renewTitle')}
            explanation={t('identity.renewText')}
            confirm={t('identity.renew')}
            color="cyan"
            onConfirm={async () => client.setQueryData(KEY, await call('renewServerIdentity', {}))}
          />
        </div>
      )}
    </Stack>
  )
}
