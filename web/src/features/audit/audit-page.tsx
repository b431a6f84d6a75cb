import { Alert, Button, Group, Select, Stack, Table, Text, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { type AuditEntry, type AuditVerdict, auditOutcome } from '@rollcall/contracts/admin'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { addressOf, call } from '../../api/client.ts'
import { t } from '../../i18n/index.tsx'
import type { PageEntry } from '../../pages.ts'
import { momentText } from '../../ui/format-values.ts'
import { StateBadge, toWord } from '../../ui/state-badge.tsx'
import { EmptyState, ErrorState, PageHeader, toMessage, Waiting } from '../../ui/states.tsx'
import { TableScroll } from '../../ui/table-scroll.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'

const PAGE = 100

export const page = {
  path: '/audit',
  needs: 'audit:read',
  nav: { label: 'nav.audit', icon: 'audit', place: 10 },
} satisfies PageEntry

export default function AuditPage() {
  const [filter, setFilter] = useState<{
    actor: string
    action: string
    text: string
    outcome: string | null
  }>({
    actor: '',
    action: '',
    text: '',
    outcome: null,
  })
  const [asked] = useDebouncedValue(filter, 300)
  const query = {
    ...(asked.actor.trim() && { actor: asked.actor.trim() }),
    ...(asked.action.trim() && { action: asked.action.trim() }),
    ...(asked.text.trim() && { text: asked.text.trim() }),
    ...(asked.outcome && { outcome: auditOutcome.parse(asked.outcome) }),
  }
  const pages = useInfiniteQuery({
    queryKey: ['audit', query],
    queryFn: ({ pageParam, signal }) =>
      call(
        'listAudit',
        { query: { ...query, limit: PAGE, ...(pageParam && { before: pageParam }) } },
        signal,
      ),
    initialPageParam: 0,
    getNextPageParam: ({ before }) => before ?? undefined,
  })
  const entries = pages.data?.pages.flatMap((page) => page.entries) ?? []
  return (
    <Stack>
      <PageHeader title={t('nav.audit')}>
        <Verify />
        <Button
          variant="default"
          component="a"
          href={addressOf('exportAudit')}
          download="rollcall-audit.jsonl"
        >
          {t('audit.export')}
        </Button>
      </PageHeader>
      <Group gap="xs">
        {(['actor', 'action', 'text'] as const).map((name) => (
          <TextInput
            key={name}
            placeholder={t(`audit.${name}`)}
            aria-label={t(`audit.${name}`)}
            value={filter[name]}
            onChange={(event) => setFilter({ ...filter, [name]: event.currentTarget.value })}
          />
        ))}
        <Select
          clearable
          placeholder={t('audit.outcome')}
          aria-label={t('audit.outcome')}
          value={filter.outcome}
          data={auditOutcome.options.map((value) => ({ value, label: toWord(value) }))}
          onChange={(outcome) => setFilter({ ...filter, outcome })}
        />
      </Group>
      {pages.isPending && <Waiting />}
      {pages.error && <ErrorState error={pages.error} onRetry={() => pages.refetch()} />}
      {pages.data && entries.length === 0 && <EmptyState title={t('audit.none')} />}
      {entries.length > 0 && <Entries entries={entries} />}
      {pages.hasNextPage && (
        <Button variant="default" w="fit-content" onClick={() => pages.fetchNextPage()}>
          {t('more')}
        </Button>
      )}
    </Stack>
  )
}

function Entries({ entries }: { entries: AuditEntry[] }) {
  return (
    <TableScroll minWidth={820}>
      <Table>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('audit.when')}</Table.Th>
            <Table.Th>{t('audit.actor')}</Table.Th>
            <Table.Th>{t('audit.from')}</Table.Th>
            <Table.Th>{t('audit.action')}</Table.Th>
            <Table.Th>{t('audit.outcome')}</Table.Th>
            <Table.Th>{t('audit.detail')}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {entries.map((entry) => (
            <Table.Tr key={entry.seq}>
              <Table.Td style={{ whiteSpace: 'nowrap' }}>{momentText(entry.at)}</Table.Td>
              <Table.Td>
                <Untrusted>{entry.actor?.name ?? t('audit.nobody')}</Untrusted>
              </Table.Td>
              <Table.Td style={{ overflowWrap: 'normal' }}>
                <Untrusted>{entry.from}</Untrusted>
              </Table.Td>
              <Table.Td>{entry.action}</Table.Td>
              <Table.Td>
                <StateBadge state={entry.outcome} /> {entry.code}
              </Table.Td>
              <Table.Td maw={420}>
                <Text size="xs" ff="monospace" lineClamp={3}>
                  <Untrusted>{JSON.stringify(entry.detail)}</Untrusted>
                </Text>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </TableScroll>
  )
}

function Verify() {
  const [verdict, setVerdict] = useState<AuditVerdict | string>()
  const [isWorking, setWorking] = useState(false)
  const verify = async () => {
    setWorking(true)
    setVerdict(await call('verifyAudit', {}).catch(toMessage))
    setWorking(false)
  }
  return (
    <>
      {verdict !== undefined && (
        <Alert py={4} color={typeof verdict !== 'string' && verdict.isIntact ? 'green' : 'red'} role="status">
          {typeof verdict === 'string'
            ? verdict
            : verdict.broken
              ? t('audit.broken', { seq: verdict.broken.seq, why: verdict.broken.why })
              : t('audit.intact', { entries: verdict.entries })}
        </Alert>
      )}
      <Button variant="default" onClick={verify} loading={isWorking}>
        {t('audit.verify')}
      </Button>
    </>
  )
}
