import { INSTANCE_STATE, type InstanceMark } from '@rollcall/contracts/admin'
import { t } from '../../i18n/index.tsx'
import { toneColor } from '../../ui/state-badge.tsx'
import { markTone, markWords } from './service-states.tsx'

/** Squares that are drawn for one service; further instances are a number. */
const MAX_SQUARES = 120

const urgencyOf = ({ state }: InstanceMark) => INSTANCE_STATE.describe(state).urgency

/** Returns how many instances look alike, in words, what is wrong first: `1 failed, 2 running, success`. */
export function countsText(instances: readonly InstanceMark[]): string {
  const counts = new Map<string, number>()
  for (const instance of instances.toSorted((a, b) => urgencyOf(a) - urgencyOf(b)))
    counts.set(markWords(instance), (counts.get(markWords(instance)) ?? 0) + 1)
  return [...counts].map(([words, count]) => `${count} ${words}`).join('; ')
}

const titleOf = (service: string, instance: InstanceMark) => {
  const { slot, host, reason } = instance
  const where = host ? t('services.onHost', { host: host.name }) : t('services.nowhere')
  return `${service}.${slot} ${where}: ${markWords(instance)}${reason ? `\n${reason}` : ''}`
}

/** Draws a square for each instance in the colour of its state and health, by slot. The same is told in words. */
export function InstanceSquares({
  service,
  instances,
}: {
  service: string
  instances: readonly InstanceMark[]
}) {
  const shown = instances.slice(0, MAX_SQUARES)
  return (
    <span role="img" aria-label={countsText(instances)} className="squares">
      {shown.map((instance) => (
        <span
          key={instance.id}
          className="square"
          data-tone={markTone(instance)}
          style={{ '--tone': toneColor(markTone(instance)) } as object}
          title={titleOf(service, instance)}
        />
      ))}
      {instances.length > shown.length && ` +${instances.length - shown.length}`}
    </span>
  )
}
