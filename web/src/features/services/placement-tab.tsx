import { Alert, Button, Group, NativeSelect, Stack, Text, TextInput, Title } from '@mantine/core'
import type { InstanceWhy } from '@rollcall/contracts/admin'
import { type FormEvent, useState } from 'react'
import { useAnswer } from '../../api/use-answer.ts'
import { t } from '../../i18n/index.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { Ago } from '../../ui/moment.tsx'
import { ResourceTable } from '../../ui/resource-table.tsx'
import { EmptyState } from '../../ui/states.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import { BestHosts, Rejections } from './placement-view.tsx'

interface Props {
  reference: string
  slots: readonly number[]
  slot: number | undefined
  onSlot(slot: number): void
}

/** Shows why an instance is where it is, and how any host that is named would do. */
export function PlacementTab({ reference, slots, slot = slots[0], onSlot }: Props) {
  const [host, setHost] = useState<string>()
  if (slot === undefined) return <EmptyState title={t('instances.none')} />
  return (
    <Stack>
      <Group align="flex-end" gap="sm">
        <NativeSelect
          label={t('instances.instance')}
          value={String(slot)}
          data={[...new Set([...slots, slot])].map((each) => ({
            value: String(each),
            label: `${reference}.${each}`,
          }))}
          onChange={(event) => onSlot(Number(event.currentTarget.value))}
        />
        <JudgeHost onJudge={setHost} />
      </Group>
      <Why key={slot} reference={reference} slot={slot} host={host} />
    </Stack>
  )
}

function JudgeHost({ onJudge }: { onJudge(host: string | undefined): void }) {
  const [typed, setTyped] = useState('')
  const submit = (event: FormEvent) => {
    event.preventDefault()
    onJudge(typed.trim() || undefined)
  }
  return (
    <form onSubmit={submit}>
      <Group align="flex-end" gap="xs">
        <TextInput
          label={t('placement.judge')}
          value={typed}
          spellCheck={false}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
        <Button type="submit" variant="default">
          {t('placement.ask')}
        </Button>
      </Group>
    </form>
  )
}

function Why({ reference, slot, host }: { reference: string; slot: number; host: string | undefined }) {
  const why = useAnswer('explainInstance', {
    params: { service: reference, slot },
    query: host === undefined ? {} : { host },
  })
  return (
    <Loaded query={why}>
      {({ decidedAt, placement, history, judgement }) => (
        <Stack>
          {judgement && <Judgement judgement={judgement} />}
          {placement === null ? (
            <Text size="sm">{t('placement.noRecord')}</Text>
          ) : (
            <>
              {placement.reason !== null && (
                <Alert color="orange">
                  <Untrusted>{placement.reason}</Untrusted>
                </Alert>
              )}
              <Text size="sm" c="dimmed">
                {t('placement.looked', { count: placement.hosts })} {decidedAt && <Ago at={decidedAt} />}
              </Text>
              {placement.best.length > 0 && <BestHosts best={placement.best} />}
              {placement.rejections.length > 0 && (
                <>
                  <Title order={2}>{t('placement.rejected')}</Title>
                  <Rejections rejections={placement.rejections} hosts={placement.hosts} />
                </>
              )}
            </>
          )}
          <History history={history} />
        </Stack>
      )}
    </Loaded>
  )
}

const Judgement = ({ judgement }: { judgement: NonNullable<InstanceWhy['judgement']> }) => {
  const { host, fits, conditions, score, current } = judgement
  return (
    <Stack gap="xs">
      <Title order={2}>
        <Untrusted>{host}</Untrusted>
        {': '}
        {t(fits ? 'placement.fits' : 'placement.fitsNot')}
      </Title>
      <ul className="checks">
        {conditions.map(({ filter, detail, passes, evidence }) => (
          <li key={`${filter} ${detail}`} data-ok={passes}>
            <span>{passes ? '✓' : '✕'}</span>
            <b>{t(`placement.filter.${filter}`)}</b>
            <Untrusted>{passes || evidence === null ? detail : `${detail}: ${evidence}`}</Untrusted>
          </li>
        ))}
      </ul>
      <BestHosts best={current && current.host !== host ? [score, current] : [score]} />
    </Stack>
  )
}

const History = ({ history }: Pick<InstanceWhy, 'history'>) =>
  history.length > 0 && (
    <>
      <Title order={2}>{t('placement.history')}</Title>
      <ResourceTable
        rows={history}
        toKey={({ generation }) => generation}
        minWidth={320}
        columns={[
          {
            head: t('fleet.host'),
            cell: ({ host }) => <Untrusted>{host ?? t('services.nowhere')}</Untrusted>,
          },
          { head: t('placement.score'), cell: ({ score }) => score ?? '–' },
          { head: t('placement.generation'), cell: ({ generation }) => generation },
          { head: t('commands.when'), cell: ({ at }) => <Ago at={at} /> },
        ]}
      />
    </>
  )
