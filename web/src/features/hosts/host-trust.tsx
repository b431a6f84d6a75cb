import { Stack, Text } from '@mantine/core'
import type { HostStatus, HostView } from '@rollcall/contracts/admin'
import { t } from '../../i18n/index.tsx'
import { Ago } from '../../ui/moment.tsx'
import { momentText } from '../../ui/words.ts'
import { Facts } from './facts.tsx'

interface Props {
  host: HostView
  status: HostStatus
  serverPin: string
}

/** Why this host is believed to be the one that was added, and what it believes of the server. */
export function Trust({ host, status, serverPin }: Props) {
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
          [
            t('trust.token'),
            <span key="t">
              {momentText(host.createdAt)} · <Ago at={host.createdAt} />
            </span>,
          ],
          [t('trust.installed'), agent?.installedAt ? momentText(agent.installedAt) : '–'],
          [t('trust.lastAnswer'), <Ago key="a" at={agent?.lastAnswerAt ?? status.lastAnswerAt} />],
        ]}
      />
    </Stack>
  )
}
