import { Checkbox, Stack, Text } from '@mantine/core'
import type { ServiceAction, ServiceDetail } from '@rollcall/contracts/admin'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { call } from '../../api/client.ts'
import { useMay } from '../../api/session.ts'
import { t } from '../../i18n/index.tsx'
import { ConfirmButton } from '../../ui/confirm.tsx'
import { newId } from '../runs/run-draft.ts'

const CHANGED = ['showService', 'listServices', 'listServiceEvents'] as const

interface OperationProps {
  reference: string
  action: Exclude<ServiceAction, 'remove'>
  /** One instance; left out for the whole service. */
  slot?: number
  size?: string
}

/** Draws a button that starts, stops or restarts a service or one of its instances, after a question. */
export function OperationButton({ reference, action, slot, size = 'sm' }: OperationProps) {
  const name = slot === undefined ? reference : `${reference}.${slot}`
  return (
    <ConfirmButton
      size={size}
      color={action === 'stop' ? 'red' : 'cyan'}
      label={t(`services.action.${action}`)}
      title={t(`services.action.${action}Title`, { name })}
      explanation={t(`services.action.${action}Text`)}
      send={() => operate(reference, { action, ...(slot !== undefined && { slots: [slot] }) })}
      invalidates={CHANGED}
    />
  )
}

const operate = (
  service: string,
  body: { action: ServiceAction; slots?: number[]; removedVolumes?: string[] },
) => call('operateService', { params: { service }, body: { ...body, operationId: newId() } })

/** Draws what may be done with a service as a whole. */
export function ServiceActions({ detail: { service, volumes } }: { detail: ServiceDetail }) {
  const mayWrite = useMay('services:write')
  if (!mayWrite || service.wanted === 'gone') return null
  const reference = `${service.project}/${service.name}`
  return (
    <>
      {service.wanted === 'stopped' ? (
        <OperationButton reference={reference} action="start" />
      ) : (
        <>
          <OperationButton reference={reference} action="restart" />
          <OperationButton reference={reference} action="stop" />
        </>
      )}
      <RemoveService reference={reference} volumes={volumes.map(({ name }) => name)} />
    </>
  )
}

/** Removes a service. Its volumes stay, but for those that are ticked by name. */
function RemoveService({ reference, volumes }: { reference: string; volumes: string[] }) {
  const navigate = useNavigate()
  const [removed, setRemoved] = useState<string[]>([])
  return (
    <ConfirmButton
      size="sm"
      label={t('remove')}
      title={t('services.removeTitle', { name: reference })}
      explanation={
        <Stack gap="xs">
          <Text size="sm">
            {t(volumes.length > 0 ? 'services.removeTextVolumes' : 'services.removeText')}
          </Text>
          {volumes.length > 0 && (
            <Checkbox.Group value={removed} onChange={setRemoved}>
              <Stack gap={6}>
                {volumes.map((name) => (
                  <Checkbox key={name} value={name} label={t('services.removeVolume', { name })} />
                ))}
              </Stack>
            </Checkbox.Group>
          )}
        </Stack>
      }
      send={() => operate(reference, { action: 'remove', removedVolumes: removed })}
      invalidates={CHANGED}
      onSent={() => navigate({ to: '/services' })}
    />
  )
}
