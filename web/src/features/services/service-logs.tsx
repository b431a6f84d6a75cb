import { Button, Checkbox, Group, Stack, Text, TextInput } from '@mantine/core'
import type { InstanceMark } from '@rollcall/contracts/admin'
import { useState } from 'react'
import { useMay } from '../../api/session.ts'
import { t } from '../../i18n/index.tsx'
import { Reason } from '../../ui/reason.tsx'
import { LogPane, slotColor } from './log-pane.tsx'
import { filterLines } from './merged-log.ts'
import { useServiceLogs } from './use-service-logs.ts'

/** Instances whose logs are read at a time. */
const MAX_LOGS = 30

interface Props {
  reference: string
  instances: readonly InstanceMark[]
}

/** Shows the logs of all instances as one, each in its colour. */
export function ServiceLogs({ reference, instances }: Props) {
  // Who may not end what reads on the hosts does not begin what never ends.
  const mayFollow = useMay('commands:run')
  const [isFollowed, setFollowed] = useState(mayFollow)
  const [hidden, setHidden] = useState<ReadonlySet<number>>(new Set())
  const [text, setText] = useState('')
  const [isErrOnly, setErrOnly] = useState(false)
  const slots = instances
    .filter(({ host }) => host !== null)
    .map(({ slot }) => slot)
    .slice(0, MAX_LOGS)
  const { log, isReading, failures } = useServiceLogs(reference, slots, isFollowed)
  const toggle = (slot: number) =>
    setHidden((before) =>
      before.has(slot) ? new Set([...before].filter((each) => each !== slot)) : new Set([...before, slot]),
    )
  return (
    <Stack gap="xs">
      <Group gap="xs">
        {mayFollow && (
          <Button
            size="xs"
            variant={isFollowed ? 'filled' : 'default'}
            aria-pressed={isFollowed}
            onClick={() => setFollowed(!isFollowed)}
          >
            {t('output.follow')}
          </Button>
        )}
        <TextInput
          size="xs"
          aria-label={t('logs.filter')}
          placeholder={t('logs.filter')}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <Checkbox
          size="xs"
          label={t('output.errOnly')}
          checked={isErrOnly}
          onChange={(event) => setErrOnly(event.currentTarget.checked)}
        />
        <Slots slots={slots} hidden={hidden} onToggle={toggle} />
      </Group>
      {[...failures].map(([slot, why]) => (
        <Reason key={slot} text={`.${slot}: ${why}`} c="var(--warn)" />
      ))}
      {instances.length > slots.length && (
        <Text size="xs" c="dimmed">
          {t('logs.some', { shown: slots.length, count: instances.length })}
        </Text>
      )}
      <LogPane
        lines={filterLines(log.lines, { hidden, text, isErrOnly })}
        dropped={log.dropped}
        isReading={isReading && slots.length > 0}
      />
    </Stack>
  )
}

interface SlotsProps {
  slots: readonly number[]
  hidden: ReadonlySet<number>
  onToggle(slot: number): void
}

/** Buttons in the colours of the lines, which show and hide those of an instance. */
const Slots = ({ slots, hidden, onToggle }: SlotsProps) => (
  <Group gap={4} role="group" aria-label={t('services.instances')}>
    {slots.map((slot) => (
      <button
        key={slot}
        type="button"
        className="slot"
        aria-pressed={!hidden.has(slot)}
        style={{ '--tone': slotColor(slot) } as object}
        onClick={() => onToggle(slot)}
      >
        .{slot}
      </button>
    ))}
  </Group>
)
