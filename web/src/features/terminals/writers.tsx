import { Button, Group, Text } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { call } from '../../api/client.ts'
import { useMay } from '../../api/session.ts'
import { t } from '../../i18n/index.tsx'
import { toMessage } from '../../ui/states.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'

const ASKED_EVERY_MS = 5000

interface KnownWriters {
  /** The opener first. */
  names: string[]
  /** Whether whoever looks at it may type. */
  mayWrite: boolean
}

/** Who types into a terminal. Until it is known nobody but whoever opened it here is taken for one. */
export function useWriters(id: string): KnownWriters {
  const { data } = useQuery({
    queryKey: ['terminal-writers', id],
    queryFn: ({ signal }) => call('listTerminalWriters', { params: { id } }, signal),
    refetchInterval: ASKED_EVERY_MS,
  })
  return { names: data?.writers.map(({ name }) => name) ?? [], mayWrite: data?.mayWrite ?? true }
}

/** Says who else types into a terminal, and lets one join who only looks on. */
export function Writers({ id, names, mayWrite }: KnownWriters & { id: string }) {
  const client = useQueryClient()
  const mayJoin = useMay('terminals:open')
  const [error, setError] = useState<string>()
  const join = async () => {
    setError(undefined)
    try {
      client.setQueryData(['terminal-writers', id], await call('joinTerminal', { params: { id } }))
    } catch (failure) {
      setError(toMessage(failure))
    }
  }
  if (mayWrite && names.length < 2) return null
  return (
    <Group gap="xs">
      <Text size="sm" role="status">
        {t(mayWrite ? 'terminals.writers' : 'terminals.looking')} <Untrusted>{names.join(', ')}</Untrusted>
      </Text>
      {!mayWrite && mayJoin && (
        <Button size="compact-xs" variant="light" onClick={join}>
          {t('terminals.join')}
        </Button>
      )}
      {error && (
        <Text c="red" size="sm" role="alert">
          {error}
        </Text>
      )}
    </Group>
  )
}
