import { Text } from '@mantine/core'
import { t } from '../../i18n/index.tsx'

const MAX_NAMED = 20

/** Names the hosts that a target left out, with the reasons. */
export function SkippedHosts({ skipped }: { skipped: readonly { host: string; reason: string }[] }) {
  if (skipped.length === 0) return null
  const named = skipped.slice(0, MAX_NAMED).map(({ host, reason }) => `${host} (${reason})`)
  const more = skipped.length > MAX_NAMED ? ' …' : ''
  return (
    <Text size="sm" c="dimmed">
      {t('run.skipped', { hosts: named.join(', ') + more })}
    </Text>
  )
}
