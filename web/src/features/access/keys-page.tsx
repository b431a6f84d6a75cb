import {
  Alert,
  Button,
  Code,
  MultiSelect,
  NumberInput,
  Paper,
  SimpleGrid,
  Stack,
  Table,
  Text,
  TextInput,
} from '@mantine/core'
import { type KeyView, type Permission, permission } from '@rollcall/contracts/admin'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { call } from '../../api/client.ts'
import { useMay, useSession } from '../../api/session.ts'
import { t } from '../../i18n/index.tsx'
import { ConfirmButton } from '../../ui/confirm.tsx'
import { Ago } from '../../ui/moment.tsx'
import { blocks, ErrorState, PageHeader, Waiting } from '../../ui/states.tsx'
import { ActionsHead, TableScroll } from '../../ui/table-scroll.tsx'
import { FormError, useAttempt } from '../../ui/use-attempt.tsx'

export function KeysPage() {
  const client = useQueryClient()
  const mayWrite = useMay('keys:write')
  const keys = useQuery({ queryKey: ['keys'], queryFn: ({ signal }) => call('listKeys', {}, signal) })
  const [secret, setSecret] = useState<string>()
  if (blocks(keys)) return <ErrorState error={keys.error} />
  if (!keys.data) return <Waiting />
  const again = () => client.invalidateQueries({ queryKey: ['keys'] })
  return (
    <Stack>
      <PageHeader title={t('nav.keys')} />
      {secret && (
        <Alert
          color="cyan"
          title={t('keys.secretTitle')}
          withCloseButton
          closeButtonLabel={t('close')}
          onClose={() => setSecret(undefined)}
        >
          <Text size="sm">{t('keys.secretText')}</Text>
          <Code block>{secret}</Code>
        </Alert>
      )}
      <TableScroll minWidth={720}>
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('name')}</Table.Th>
              <Table.Th>{t('keys.owner')}</Table.Th>
              <Table.Th>{t('keys.permissions')}</Table.Th>
              <Table.Th>{t('users.scope')}</Table.Th>
              <Table.Th>{t('keys.expires')}</Table.Th>
              <Table.Th>{t('keys.lastUsed')}</Table.Th>
              <ActionsHead />
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {keys.data.keys.map((key) => (
              <Table.Tr key={key.id}>
                <Table.Td>{key.name}</Table.Td>
                <Table.Td>
                  <Owner apiKey={key} />
                </Table.Td>
                <Table.Td maw={360}>
                  <Worth apiKey={key} />
                </Table.Td>
                <Table.Td>{key.scope?.join(', ') ?? t('users.allHosts')}</Table.Td>
                <Table.Td>{key.expiresAt ? <Ago at={key.expiresAt} /> : t('keys.never')}</Table.Td>
                <Table.Td>
                  <Ago at={key.lastUsedAt} />
                </Table.Td>
                <Table.Td>
                  {mayWrite && key.kind === 'key' && (
                    <ConfirmButton
                      label={t('remove')}
                      title={t('keys.removeTitle', { name: key.name })}
                      explanation={t('keys.removeText')}
                      confirm={t('remove')}
                      onConfirm={async () => {
                        await call('removeKey', { params: { id: key.id } })
                        await again()
                      }}
                    />
                  )}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </TableScroll>
      {mayWrite && (
        <AddKey
          onAdded={async (next) => {
            setSecret(next)
            await again()
          }}
        />
      )}
    </Stack>
  )
}

function Owner({ apiKey: { kind, owner, parent } }: { apiKey: KeyView }) {
  if (kind === 'local') return t('keys.ofServer')
  const whose = owner?.name ?? (parent === null ? t('keys.ofNobody') : t('keys.ofServer'))
  return parent === null ? whose : `${whose} · ${t('keys.madeWith', { name: parent })}`
}

/** What a key was given, and what of it does not count because its owner may not do it any more. */
function Worth({ apiKey: { kind, permissions, permissionsNow } }: { apiKey: KeyView }) {
  if (kind === 'local') return t('keys.local')
  const lost = permissions.filter((each) => !permissionsNow.includes(each))
  return (
    <>
      {permissionsNow.join(', ')}
      {lost.length > 0 && (
        <Text size="sm" c="var(--warn)">
          {t('keys.lost', { permissions: lost.join(', ') })}
        </Text>
      )}
    </>
  )
}

/** Where faults of the request are shown. */
const PLACES = { name: 'name', permissions: 'chosen', scope: 'scope', expiresInDays: 'days' } as const

function AddKey({ onAdded }: { onAdded(secret: string): Promise<void> }) {
  const { principal } = useSession()
  const [name, setName] = useState('')
  const [chosen, setChosen] = useState<string[]>([])
  const [scope, setScope] = useState('')
  const [days, setDays] = useState<number | string>(90)
  const { attempt, isWorking, error, fields } = useAttempt({ name, chosen, scope, days }, PLACES)
  const add = () =>
    attempt(async () => {
      const permissions: Permission[] = chosen.map((each) => permission.parse(each))
      const expiresInDays = days === '' ? null : Number(days)
      const body = { name, permissions, expiresInDays, scope: scope.trim() ? [scope.trim()] : null }
      const { secret } = await call('addKey', { body })
      setName('')
      await onAdded(secret)
    })
  return (
    <Paper withBorder p="md">
      <Stack gap="sm">
        <Text fw={600}>{t('keys.add')}</Text>
        <SimpleGrid cols={{ base: 1, sm: 2, lg: 4 }}>
          <TextInput
            label={t('name')}
            value={name}
            error={fields.name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <TextInput
            label={t('users.scope')}
            placeholder="env=prod"
            value={scope}
            error={fields.scope}
            onChange={(event) => setScope(event.currentTarget.value)}
          />
          <NumberInput
            label={t('keys.days')}
            value={days}
            min={1}
            max={3650}
            error={fields.expiresInDays}
            onChange={setDays}
          />
        </SimpleGrid>
        <MultiSelect
          label={t('keys.permissions')}
          data={principal?.permissions ?? []}
          value={chosen}
          onChange={setChosen}
          error={fields.permissions}
          searchable
        />
        <FormError error={error} />
        <Button w="fit-content" onClick={add} loading={isWorking}>
          {t('keys.add')}
        </Button>
      </Stack>
    </Paper>
  )
}
