import { Alert, Button, Group, Select, Stack, Text, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { type AuditEntry, auditOutcome } from '@rollcall/contracts/admin'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { addressOf } from '../../api/address-of.ts'
import { call } from '../../api/client.ts'
import { t } from '../../i18n/index.tsx'
import type { PageEntry } from '../../pages.ts'
import { momentText } from '../../ui/format-values.ts'
import { type Column, LoadedTable } from '../../ui/resource-table.tsx'
import { ShowMore } from '../../ui/show-more.tsx'
import { StateBadge, toWord } from '../../ui/state-badge.tsx'
import { PageHeader, toMessage } from '../../ui/states.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import { useRequest } from '../../ui/use-request.ts'

const PAGE = 100

export const page = {
  path: '/audit',
  needs: 'audit:read',
  nav: { label: 'nav.audit', icon: 'audit', place: 10, group: 'nav.administration' },
} satisfies PageEntry

export default function AuditPage() {
  const [filter, setFilter] = useState({ actor: '', action: '', text: '', outcome: null as string | null })
  const [asked] = useDebouncedValue(filter, 300)
  const query = {
    actor: asked.actor.trim() || undefined,
    action: asked.action.trim() || undefined,
    text: asked.text.trim() || undefined,
    outcome: auditOutcome.safeParse(asked.outcome).data,
    limit: PAGE,
  }
  const pages = useInfiniteQuery({
    queryKey: ['listAudit', query],
    queryFn: ({ pageParam, signal }) => call('listAudit', { query: { ...query, before: pageParam } }, signal),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: ({ before }) => before ?? undefined,
  })
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
      <LoadedTable
        query={pages}
        rows={(data) => data.pages.flatMap(({ entries }) => entries)}
        toKey={({ seq }) => seq}
        minWidth={820}
        empty={{ title: t('audit.none') }}
        columns={columns()}
      />
      <ShowMore pages={pages} />
    </Stack>
  )
}

const columns = (): Column<AuditEntry>[] => [
  { head: t('audit.when'), cell: ({ at }) => <time>{momentText(at)}</time> },
  { head: t('audit.actor'), cell: ({ actor }) => <Untrusted>{actor?.name ?? t('audit.nobody')}</Untrusted> },
  { head: t('audit.from'), cell: ({ from }) => <Untrusted>{from}</Untrusted> },
  { head: t('audit.action'), cell: ({ action }) => action },
  {
    head: t('audit.outcome'),
    cell: ({ outcome, code }) => (
      <>
        <StateBadge state={outcome} /> {code}
      </>
    ),
  },
  {
    head: t('audit.detail'),
    maxWidth: 420,
    cell: ({ detail }) => (
      <Text size="xs" ff="monospace" lineClamp={3}>
        <Untrusted>{JSON.stringify(detail)}</Untrusted>
      </Text>
    ),
  },
]

function Verify() {
  const verify = useRequest(() => call('verifyAudit', {}))
  const { data: verdict, error } = verify
  return (
    <>
      {(verdict || error) && (
        <Alert py={4} color={verdict?.isIntact ? 'green' : 'red'} role="status">
          {error && toMessage(error)}
          {verdict?.broken && t('audit.broken', { seq: verdict.broken.seq, why: verdict.broken.why })}
          {verdict?.isIntact && t('audit.intact', { entries: verdict.entries })}
        </Alert>
      )}
      <Button variant="default" onClick={() => verify.mutate()} loading={verify.isPending}>
        {t('audit.verify')}
      </Button>
    </>
  )
}
