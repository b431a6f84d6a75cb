import { Checkbox, Stack } from '@mantine/core'
import type { HostView } from '@rollcall/contracts/admin'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { call } from '../../api/client.ts'
import { useMay } from '../../api/session.ts'
import { t } from '../../i18n/index.tsx'
import { ConfirmButton } from '../../ui/confirm.tsx'
import { isOfAnother } from './credential.ts'
import { EditHost } from './edit-host.tsx'

export function HostActions({ host }: { host: HostView }) {
  const mayWrite = useMay('hosts:write')
  const navigate = useNavigate()
  const [isOnPurpose, setOnPurpose] = useState(false)
  if (!mayWrite) return null
  const toCommand = (commandId: string | null) =>
    navigate(commandId ? { to: '/commands/$id', params: { id: commandId } } : { to: '/' })
  const params = { host: host.id }
  return (
    <>
      <EditHost host={host} />
      <ConfirmButton
        size="sm"
        label={t('host.install')}
        title={t('host.installTitle', { host: host.name })}
        explanation={
          <Stack gap="xs">
            {t('host.installText')}
            {isOfAnother(host.stateCode) && (
              <Checkbox
                label={t('host.takeOver')}
                checked={isOnPurpose}
                onChange={(event) => setOnPurpose(event.currentTarget.checked)}
              />
            )}
          </Stack>
        }
        color="cyan"
        send={() => call('installHost', { params, query: isOnPurpose ? { takeOver: 'true' } : {} })}
        onSent={({ commandId }) => toCommand(commandId)}
      />
      {(['remove', 'forget'] as const).map((way) => (
        <ConfirmButton
          key={way}
          size="sm"
          label={t(`host.${way}`)}
          title={t(`host.${way}Title`, { host: host.name })}
          explanation={t(`host.${way}Text`)}
          send={() => call('removeHost', { params, query: { forget: way === 'forget' ? 'true' : 'false' } })}
          onSent={({ commandId }) => toCommand(commandId)}
        />
      ))}
    </>
  )
}
