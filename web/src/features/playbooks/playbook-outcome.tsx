import { Anchor, Badge, Button, Group, Paper, Stack, Text } from '@mantine/core'
import {
  groupByOutcome,
  type PlanVerdict,
  type PlaybookHost,
  type PlaybookRunView,
  planVerdict,
  TASK_STATUS,
} from '@rollcall/contracts/admin'
import { Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { call } from '../../api/client.ts'
import { useMay } from '../../api/session.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { t } from '../../i18n/index.tsx'
import { ConfirmButton } from '../../ui/confirm.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { Reason } from '../../ui/reason.tsx'
import { StateBadge, toWord } from '../../ui/state-badge.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import { TaskTable } from './task-table.tsx'

const REFRESH_MS = 1000
/** Hosts of a group that are named. */
const MAX_NAMED = 30

/** Shows what a run of a playbook did: hosts with the same outcome once, with the tasks of one of them. */
export function PlaybookOutcome({ runId }: { runId: string }) {
  const run = useAnswer(
    'showPlaybookRun',
    { params: { id: runId } },
    { refetchInterval: ({ state }) => (state.data?.run.endedAt ? false : REFRESH_MS) },
  )
  return <Loaded query={run}>{(view) => <Outcome view={view} />}</Loaded>
}

function Outcome({ view }: { view: PlaybookRunView }) {
  const isOver = view.run.endedAt !== null
  return (
    <Stack>
      {view.mode === 'plan' && isOver && <Verdict view={view} />}
      {view.planId !== null && (
        <Anchor component={Link} to="/runs/$id" params={{ id: view.planId } as never}>
          {t('playbooks.itsPlan')}
        </Anchor>
      )}
      {groupByOutcome(view.hosts).map((hosts) => (
        <Alike key={hosts[0]?.commandId} hosts={hosts} isOver={isOver} />
      ))}
    </Stack>
  )
}

/** Returns what a plan comes to, in words. */
function verdictText({ total, planned, changing, failed }: PlanVerdict): string {
  if (planned === 0) return t('playbooks.noPlan', { total })
  const gaps = failed > 0 ? ` ${t('playbooks.planGaps', { failed })}` : ''
  if (changing > 0) return t('playbooks.wouldChange', { count: changing, total }) + gaps
  return failed > 0 ? t('playbooks.noChangeOn', { planned, total }) + gaps : t('playbooks.noChange')
}

/** Shows what a plan comes to, and lets it be applied. */
function Verdict({ view }: { view: PlaybookRunView }) {
  const mayRun = useMay('playbooks:run')
  const navigate = useNavigate()
  const verdict = planVerdict(view.hosts)
  const text = verdictText(verdict)
  const { appliedBy } = view.run.playbook ?? {}
  return (
    <Group data-testid="verdict">
      <Text fw={600} c={verdict.planned === 0 ? 'red' : undefined}>
        {text}
      </Text>
      {appliedBy && (
        <Anchor component={Link} to="/runs/$id" params={{ id: appliedBy } as never}>
          {t('playbooks.applied')}
        </Anchor>
      )}
      {mayRun && verdict.changing > 0 && !appliedBy && (
        <ConfirmButton
          size="sm"
          color="cyan"
          label={t('playbooks.apply')}
          title={t('playbooks.applyTitle', { name: view.playbook })}
          explanation={`${text} ${t('playbooks.applyText')}`}
          send={() => call('applyPlan', { params: { id: view.run.id }, body: {} })}
          onSent={({ runId }) => navigate({ to: '/runs/$id', params: { id: runId } })}
        />
      )}
    </Group>
  )
}

function Alike({ hosts, isOver }: { hosts: PlaybookHost[]; isOver: boolean }) {
  const [first] = hosts
  const [isOpen, setOpen] = useState(true)
  if (!first) return null
  return (
    <Paper withBorder p="md">
      <Stack gap="sm">
        <Group gap="sm">
          <StateBadge state={first.state} reason={first.reason} />
          <Text fw={600}>
            <Untrusted>
              {hosts
                .slice(0, MAX_NAMED)
                .map(({ host }) => host)
                .join(', ')}
            </Untrusted>
            {hosts.length > MAX_NAMED && ` … (${hosts.length})`}
          </Text>
          {first.way === 'ssh' && (
            <Badge variant="outline" tt="none">
              {t('playbooks.via.ssh')}
            </Badge>
          )}
          {TASK_STATUS.names
            .filter((status) => (first.totals?.[status] ?? 0) > 0)
            .map((status) => (
              <Badge key={status} variant="default" tt="none">
                {toWord(status)} {first.totals?.[status]}
              </Badge>
            ))}
          <Button variant="subtle" size="compact-sm" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
            {t('playbooks.tasks')}
          </Button>
        </Group>
        {first.state !== 'success' && <Reason text={first.reason} c="dimmed" />}
        {isOpen && <TaskTable commandId={first.commandId} isOver={isOver} />}
      </Stack>
    </Paper>
  )
}
