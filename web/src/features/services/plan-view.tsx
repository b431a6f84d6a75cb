import { Alert, Group, Paper, Stack, Text, Title } from '@mantine/core'
import type {
  PlacementView,
  PlanAction,
  ServicePlanEntry,
  ServicePlanView,
  StateDescriptor,
} from '@rollcall/contracts/admin'
import { call } from '../../api/client.ts'
import { t } from '../../i18n/index.tsx'
import { ConfirmButton } from '../../ui/confirm.tsx'
import { ResourceTable } from '../../ui/resource-table.tsx'
import { StateSign } from '../../ui/state-badge.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import { FieldChanges } from './field-changes.tsx'
import { ScoreBar } from './placement-view.tsx'

/** Slots of a service that are drawn; of more, those without a host come first. */
const MAX_SLOTS = 50
const ACTIONS: Record<PlanAction, Pick<StateDescriptor, 'tone' | 'sign'>> = {
  new: { tone: 'ok', sign: '+' },
  changed: { tone: 'warn', sign: '±' },
  unchanged: { tone: 'faint', sign: '=' },
  left_behind: { tone: 'faint', sign: '?' },
  removed: { tone: 'bad', sign: '−' },
}

const hasWork = ({ action }: ServicePlanEntry) => action !== 'unchanged' && action !== 'left_behind'

/** Returns what a plan comes to in one line: `1 new, 2 unchanged`. */
export function planSummary({ services }: Pick<ServicePlanView, 'services'>): string {
  const actions = Object.keys(ACTIONS) as PlanAction[]
  return actions
    .map((action) => ({ action, count: services.filter((each) => each.action === action).length }))
    .filter(({ count }) => count > 0)
    .map(({ action, count }) => `${count} ${t(`plan.action.${action}`)}`)
    .join(', ')
}

/** Shows what a plan would do, service by service, and applies it after a question. */
export function PlanView({ plan, onApplied }: { plan: ServicePlanView; onApplied(): unknown }) {
  const summary = planSummary(plan)
  return (
    <Stack>
      <Group justify="space-between">
        <Title order={2}>
          {plan.project}: {summary}
        </Title>
        {plan.services.some(hasWork) && (
          <ConfirmButton
            size="sm"
            color="cyan"
            label={t('plan.apply')}
            title={t('plan.applyTitle', { project: plan.project })}
            explanation={<ApplyQuestion plan={plan} summary={summary} />}
            send={() => call('applyServicePlan', { params: { id: plan.id } })}
            invalidates={['listServices', 'showService']}
            onSent={onApplied}
          />
        )}
      </Group>
      {plan.notes.map((note) => (
        <Text key={note} size="sm" c="dimmed">
          <Untrusted>{note}</Untrusted>
        </Text>
      ))}
      {plan.order.length > 1 && (
        <Text size="sm">
          {t('plan.order')} {plan.order.map((step) => step.join(', ')).join(' → ')}
        </Text>
      )}
      {plan.services.map((entry) => (
        <Entry key={entry.service} entry={entry} />
      ))}
    </Stack>
  )
}

function ApplyQuestion({ plan, summary }: { plan: ServicePlanView; summary: string }) {
  const volumes = plan.services.flatMap(({ removedVolumes }) => removedVolumes)
  const unplaced = plan.services.flatMap(({ placements }) => placements).filter(({ host }) => host === null)
  return (
    <Stack gap="xs">
      <div>{summary}</div>
      {unplaced.length > 0 && <div>{t('plan.unplaced', { count: unplaced.length })}</div>}
      {volumes.length > 0 && (
        <Text c="var(--bad)" size="sm">
          {t('plan.volumesGo', { volumes: volumes.join(', ') })}
        </Text>
      )}
    </Stack>
  )
}

const Entry = ({ entry }: { entry: ServicePlanEntry }) => (
  <Paper withBorder p="sm" data-service={entry.service}>
    <Stack gap="xs">
      <Group gap="xs">
        <Text fw={600}>{entry.service}</Text>
        <StateSign
          state={entry.action}
          descriptor={ACTIONS[entry.action]}
          word={t(`plan.action.${entry.action}`)}
        />
        <Text size="xs" c="dimmed" ff="monospace">
          <Untrusted>{entry.images.map(({ ref }) => ref).join(', ')}</Untrusted>
        </Text>
      </Group>
      <FieldChanges changes={entry.changes} />
      {hasWork(entry) && entry.placements.length > 0 && <Placements placements={entry.placements} />}
      {entry.removedSlots.length > 0 && (
        <Text size="sm">
          {t('plan.slotsGo')}{' '}
          <Untrusted>
            {entry.removedSlots.map(({ slot, host }) => `.${slot}${host ? ` (${host})` : ''}`).join(', ')}
          </Untrusted>
        </Text>
      )}
      {entry.spares.length > 0 && (
        <Text size="sm">
          {t('plan.spares')} <Untrusted>{entry.spares.join(', ')}</Untrusted>
        </Text>
      )}
      {entry.removedVolumes.length > 0 && (
        <Alert color="red">{t('plan.volumesGo', { volumes: entry.removedVolumes.join(', ') })}</Alert>
      )}
      {entry.keptVolumes.length > 0 && (
        <Text size="sm">{t('plan.volumesStay', { volumes: entry.keptVolumes.join(', ') })}</Text>
      )}
    </Stack>
  </Paper>
)

/** Returns the slots that are drawn: those without a host first, since they need somebody. */
export const shownSlots = (placements: readonly PlacementView[]): PlacementView[] =>
  placements
    .toSorted((a, b) => Number(a.host !== null) - Number(b.host !== null) || a.slot - b.slot)
    .slice(0, MAX_SLOTS)

const Placements = ({ placements }: Pick<ServicePlanEntry, 'placements'>) => (
  <>
    <ResourceTable
      rows={shownSlots(placements)}
      toKey={({ slot }) => slot}
      minWidth={480}
      columns={[
        { head: t('plan.slot'), width: 60, cell: ({ slot }) => `.${slot}` },
        {
          head: t('fleet.host'),
          cell: ({ host, from, isKept, isReplaced, reason }) => (
            <>
              {from !== null && <Untrusted>{`${from} → `}</Untrusted>}
              <Untrusted>{host ?? t('services.nowhere')}</Untrusted>
              {isKept && ` (${t(isReplaced ? 'plan.replaced' : 'plan.kept')})`}
              {host === null && (
                <Text size="xs" c="var(--warn)">
                  <Untrusted>{reason}</Untrusted>
                </Text>
              )}
            </>
          ),
        },
        {
          head: t('instances.ports'),
          cell: ({ ports }) => ports.map(({ port, protocol }) => `${port}/${protocol}`).join(', '),
        },
        {
          head: t('placement.score'),
          cell: ({ best: [first] }) => first && <ScoreBar score={first} />,
        },
      ]}
    />
    {placements.length > MAX_SLOTS && (
      <Text size="xs" c="dimmed">
        {t('plan.moreSlots', { count: placements.length - MAX_SLOTS })}
      </Text>
    )}
  </>
)
