import { Alert, Stack, Text, UnstyledButton } from '@mantine/core'
import type { PlanFault, ServicePlanAnswer } from '@rollcall/contracts/admin'
import { t } from '../../i18n/index.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'

/** Faults that are listed; the next ones are seen once these are corrected. */
const MAX_LISTED = 50

interface Props {
  faults: readonly PlanFault[]
  onGo(fault: PlanFault): void
}

/** Lists what is wrong with a file: each with its line, and what to write instead. One goes there by a click. */
export const PlanFaults = ({ faults, onGo }: Props) =>
  faults.length > 0 && (
    <Alert color="red" title={t('plan.faults', { count: faults.length })} role="status">
      <Stack gap={6} component="ol" p={0} m={0} style={{ listStyle: 'none' }}>
        {faults.slice(0, MAX_LISTED).map((fault) => (
          <li key={`${fault.line} ${fault.column} ${fault.key} ${fault.reason}`}>
            <UnstyledButton onClick={() => onGo(fault)} fz="sm">
              <b className="num">{t('plan.line', { line: fault.line })}</b>{' '}
              <code>
                <Untrusted>{fault.key}</Untrusted>
              </code>{' '}
              <Untrusted>{fault.reason}</Untrusted>
              {fault.instead !== '' && (
                <Text size="sm" c="dimmed">
                  <Untrusted>{fault.instead}</Untrusted>
                </Text>
              )}
            </UnstyledButton>
          </li>
        ))}
      </Stack>
    </Alert>
  )

/** Lists the keys that mean something else here than in Compose. */
export function TakenOtherwise({ keys }: { keys: ServicePlanAnswer['keys'] }) {
  const otherwise = keys.filter(({ standing }) => standing === 'otherwise')
  if (otherwise.length === 0) return null
  return (
    <details>
      <summary>{t('plan.otherwise', { count: otherwise.length })}</summary>
      <ul>
        {otherwise.map(({ line, key, says }) => (
          <Text key={`${line} ${key}`} component="li" size="sm">
            <b className="num">{t('plan.line', { line })}</b>{' '}
            <code>
              <Untrusted>{key}</Untrusted>
            </code>{' '}
            <Untrusted>{says}</Untrusted>
          </Text>
        ))}
      </ul>
    </details>
  )
}
