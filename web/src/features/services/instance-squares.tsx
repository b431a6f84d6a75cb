import { INSTANCE_HEALTH, INSTANCE_STATE, type InstanceMark } from '@rollcall/contracts/admin'
import { memo } from 'react'
import { t } from '../../i18n/index.tsx'
import { toneColor } from '../../ui/state-badge.tsx'
import { markTone, markWords } from './service-states.tsx'

/** Squares that are drawn for one service in a list; further instances are a number. */
const MAX_SQUARES = 120

/** Returns how much an instance needs somebody, the lowest first: one that runs by its health, if that is not good. */
const urgencyOf = ({ state, health }: Pick<InstanceMark, 'state' | 'health'>): number =>
  state === 'running' && health !== 'success' && health !== 'unknown'
    ? INSTANCE_HEALTH.describe(health).urgency
    : INSTANCE_STATE.describe(state).urgency

/** Returns at most `max` instances by slot. Where that leaves some out, it is those that need nobody. */
export function mostUrgent<T extends Pick<InstanceMark, 'state' | 'health' | 'slot'>>(
  instances: readonly T[],
  max: number,
): readonly T[] {
  if (instances.length <= max) return instances
  return instances
    .toSorted((a, b) => urgencyOf(a) - urgencyOf(b))
    .slice(0, max)
    .sort((a, b) => a.slot - b.slot)
}

/** Returns how many instances look alike, in words, what is wrong first: `1 failed, 2 running, success`. */
export function countsText(instances: readonly InstanceMark[]): string {
  const counts = new Map<string, number>()
  for (const instance of instances.toSorted((a, b) => urgencyOf(a) - urgencyOf(b)))
    counts.set(markWords(instance), (counts.get(markWords(instance)) ?? 0) + 1)
  return [...counts].map(([words, count]) => `${count} ${words}`).join('; ')
}

/** Returns an instance in words: its name, where it is, how it does and why. */
export const squareText = (service: string, instance: InstanceMark): string => {
  const { slot, host, reason } = instance
  const where = host ? t('services.onHost', { host: host.name }) : t('services.nowhere')
  return `${service}.${slot} ${where}: ${markWords(instance)}${reason ? `\n${reason}` : ''}`
}

/** Returns what a square is drawn by: the colour and form of state and health. */
export const squareProps = (instance: InstanceMark) => ({
  className: 'square',
  'data-tone': markTone(instance),
  style: { '--tone': toneColor(markTone(instance)) } as object,
})

interface Props {
  service: string
  instances: readonly InstanceMark[]
}

/** Draws a square for each instance in the colour of its state and health, by slot. The same is told in words. */
export const InstanceSquares = memo(function InstanceSquares({ service, instances }: Props) {
  const shown = mostUrgent(instances, MAX_SQUARES)
  return (
    <span role="img" aria-label={countsText(instances)} className="squares">
      {shown.map((instance) => (
        <span key={instance.id} {...squareProps(instance)} title={squareText(service, instance)} />
      ))}
      {instances.length > shown.length && ` +${instances.length - shown.length}`}
    </span>
  )
})
