import { Button, Group, Text } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { call } from '../../api/client.ts'
import { useMay } from '../../api/session.ts'
import { answerKey, useAnswer } from '../../api/use-answer.ts'
import { t } from '../../i18n/index.tsx'
import { Failure } from '../../ui/resource-form.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import { useRequest } from '../../ui/use-request.ts'

const REFRESH_MS = 5000

interface KnownWriters {
  /** The opener first. */
  names: string[]
  /** Tells whether this user may type. */
  mayWrite: boolean
}

/** Returns who may type into a terminal. Until that is known, this user is taken to. */
export function useWriters(id: string): KnownWriters {
  const { data } = useAnswer('listTerminalWriters', { params: { id } }, { refetchInterval: REFRESH_MS })
  return { names: data?.writers.map(({ name }) => name) ?? [], mayWrite: data?.mayWrite ?? true }
}

/** Names who else may type into a terminal, and lets a viewer join. */
export function Writers({ id, names, mayWrite }: KnownWriters & { id: string }) {
  const client = useQueryClient()
  const mayJoin = useMay('terminals:open')
  const join = useRequest(() => call('joinTerminal', { params: { id } }), {
    onSent: (writers) => client.setQueryData(answerKey('listTerminalWriters', { params: { id } }), writers),
  })
  if (mayWrite && names.length < 2) return null
  return (
    <Group gap="xs">
      <Text size="sm" role="status">
        {t(mayWrite ? 'terminals.writers' : 'terminals.looking')} <Untrusted>{names.join(', ')}</Untrusted>
      </Text>
      {!mayWrite && mayJoin && (
        <Button size="compact-xs" variant="light" loading={join.isPending} onClick={() => join.mutate()}>
          {t('terminals.join')}
        </Button>
      )}
      <Failure error={join.error} />
    </Group>
  )
}
