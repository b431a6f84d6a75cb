import { Stack, Text, Title } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { type Answer, call } from '../../api/client.ts'
import { useMay, useSession } from '../../api/session.ts'
import { answerKey, useAnswer } from '../../api/use-answer.ts'
import { t } from '../../i18n/index.tsx'
import { ConfirmButton } from '../../ui/confirm.tsx'
import { momentText } from '../../ui/format-values.ts'
import { type Column, LoadedTable } from '../../ui/resource-table.tsx'

/** While agents still use an old certificate. */
const REFRESH_MS = 2000

type Identity = Answer<'listServerIdentities'>['identities'][number]

/** Shows the certificates by which agents know the servers. They concern all hosts: nothing for users who are limited to some. */
export function ServerIdentities() {
  const { principal } = useSession()
  const mayWrite = useMay('identity:write')
  const client = useQueryClient()
  const isForAll = principal?.scope === null
  const isOldInUse = (known: readonly Identity[] = []) => known.slice(1).some(({ agents }) => agents > 0)
  const identities = useAnswer(
    'listServerIdentities',
    {},
    {
      enabled: isForAll,
      refetchInterval: ({ state }) => (isOldInUse(state.data?.identities) ? REFRESH_MS : false),
    },
  )
  if (!isForAll) return null
  return (
    <Stack>
      <Title order={2}>{t('identity.title')}</Title>
      <Text size="sm" maw={760}>
        {t('identity.text')}
      </Text>
      <LoadedTable
        query={identities}
        rows={(data) => data.identities}
        toKey={({ pin }) => pin}
        minWidth={800}
        columns={columns()}
      />
      {mayWrite && (
        <div>
          <ConfirmButton
            size="sm"
            label={t('identity.renew')}
            title={t('identity.renewTitle')}
            explanation={t('identity.renewText')}
            color="cyan"
            send={() => call('renewServerIdentity', {})}
            onSent={(answer) => client.setQueryData(answerKey('listServerIdentities', {}), answer)}
          />
        </div>
      )}
    </Stack>
  )
}

const columns = (): Column<Identity>[] => [
  { head: t('identity.pin'), cell: ({ pin }) => <code>{pin}</code> },
  { head: t('identity.made'), cell: ({ createdAt }) => momentText(createdAt) },
  { head: t('identity.agents'), cell: ({ agents }) => agents },
]
