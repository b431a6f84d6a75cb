import { Group, Stack, Text } from '@mantine/core'
import type { HostStatus, HostView } from '@rollcall/contracts/admin'
import { useState } from 'react'
import { call } from '../../api/client.ts'
import { useMay } from '../../api/session.ts'
import { t } from '../../i18n/index.tsx'
import { ConfirmButton } from '../../ui/confirm.tsx'
import { momentText } from '../../ui/format-values.ts'
import { Ago } from '../../ui/moment.tsx'
import { Facts } from './facts.tsx'

interface Props {
  host: HostView
  status: HostStatus
  serverPin: string
  sameMachineAs: { name: string | null } | null
}

/** Shows why this host is taken for the one that was added, and by what it knows the server. */
export function Trust({ host, status, serverPin, sameMachineAs }: Props) {
  const { agent } = host
  return (
    <Stack>
      <Text size="sm" maw={760}>
        {t('trust.text')}
      </Text>
      <Facts
        title={t('host.trust')}
        facts={[
          [t('trust.ssh'), <code key="s">{host.hostKey ?? t('trust.none')}</code>],
          [t('trust.certificate'), <code key="c">{agent?.certificatePin ?? t('trust.none')}</code>],
          [t('trust.server'), <code key="p">{serverPin}</code>],
          [t('trust.port'), agent?.port ?? '–'],
          ...(sameMachineAs
            ? [[t('trust.sameMachine'), sameMachineAs.name ?? t('trust.hiddenHost')] as [string, string]]
            : []),
          [
            t('trust.token'),
            <span key="t">
              {momentText(agent?.credentialsAt ?? host.createdAt)} ·{' '}
              <Ago at={agent?.credentialsAt ?? host.createdAt} />
            </span>,
          ],
          [t('trust.rotated'), agent?.rotatedAt ? momentText(agent.rotatedAt) : t('trust.never')],
          [t('trust.installed'), agent?.installedAt ? momentText(agent.installedAt) : '–'],
          [t('trust.lastAnswer'), <Ago key="a" at={agent?.lastAnswerAt ?? status.lastAnswerAt} />],
        ]}
      />
      {agent?.installedAt && <Rotation host={host} rotatedAt={agent.rotatedAt} />}
    </Stack>
  )
}

function Rotation({ host, rotatedAt }: { host: HostView; rotatedAt: string | null }) {
  const mayWrite = useMay('hosts:write')
  /** When it was last rotated before it was asked for here. */
  const [before, setBefore] = useState<string | null>()
  if (!mayWrite) return null
  return (
    <Group>
      <ConfirmButton
        size="sm"
        label={t('trust.rotate')}
        title={t('trust.rotateTitle', { host: host.name })}
        explanation={t('trust.rotateText')}
        color="cyan"
        send={() => call('startRotation', { body: { hosts: [host.name] } })}
        invalidates={['showHost']}
        onSent={() => setBefore(rotatedAt)}
      />
      {before === rotatedAt && (
        <Text size="sm" role="status">
          {t('trust.rotating')}
        </Text>
      )}
    </Group>
  )
}
