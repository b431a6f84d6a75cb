import { Stack, Text } from '@mantine/core'
import type { InstanceMark } from '@rollcall/contracts/admin'
import { type KeyboardEvent, useState } from 'react'
import { t } from '../../i18n/index.tsx'
import { countsText, mostUrgent, squareProps, squareText } from './instance-squares.tsx'

/** Squares that are drawn for one service on its page; further instances are a number. */
const MAX_SQUARES = 1000

const STEPS: Readonly<Record<string, number>> = {
  ArrowRight: 1,
  ArrowDown: 1,
  ArrowLeft: -1,
  ArrowUp: -1,
  Home: Number.NEGATIVE_INFINITY,
  End: Number.POSITIVE_INFINITY,
}

interface Props {
  service: string
  instances: readonly InstanceMark[]
  /** Called with the slot of a square that is chosen. */
  onPick(slot: number): void
}

/** Draws a button for each instance, labelled with what its colour says. One tab stop leads in, and arrows lead on from there. */
export function InstanceGrid({ service, instances, onPick }: Props) {
  const [active, setActive] = useState<string>()
  const shown = mostUrgent(instances, MAX_SQUARES)
  const stop = shown.find(({ id }) => id === active)?.id ?? shown[0]?.id
  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    const step = STEPS[event.key]
    const squares = [...event.currentTarget.querySelectorAll('button')]
    const at = squares.indexOf(document.activeElement as HTMLButtonElement)
    if (step === undefined || at < 0) return
    event.preventDefault()
    squares[Math.max(0, Math.min(squares.length - 1, at + step))]?.focus()
  }
  if (shown.length === 0) return null
  return (
    <Stack gap={4}>
      <div
        role="toolbar"
        aria-label={t('services.instances')}
        className="squares large"
        onKeyDown={onKeyDown}
      >
        {shown.map((instance) => (
          <button
            key={instance.id}
            type="button"
            {...squareProps(instance)}
            aria-label={squareText(service, instance)}
            title={squareText(service, instance)}
            tabIndex={instance.id === stop ? 0 : -1}
            onFocus={() => setActive(instance.id)}
            onClick={() => onPick(instance.slot)}
          />
        ))}
        {instances.length > shown.length && ` +${instances.length - shown.length}`}
      </div>
      <Text size="xs" c="dimmed">
        {countsText(instances)}
      </Text>
    </Stack>
  )
}
