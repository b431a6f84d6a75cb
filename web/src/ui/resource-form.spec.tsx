// @vitest-environment happy-dom
import { TextInput } from '@mantine/core'
import { cleanup } from '@testing-library/react'
import { expect, it } from 'vitest'
import { ApiError } from '../api/client.ts'
import { draw } from '../testing/draw.tsx'
import { ResourceForm } from './resource-form.tsx'
import { useRequestForm } from './use-request-form.ts'

interface Values extends Record<string, unknown> {
  name: string
  seconds: string
  secret: string
}

function Form({ send, draft }: { send(values: Values): Promise<unknown>; draft?: string }) {
  const form = useRequestForm<Values, unknown>({
    initialValues: { name: '', seconds: '1', secret: '' },
    fieldNames: { timeoutMs: 'seconds' },
    transient: ['secret'],
    check: ({ name }): Record<string, string> => (name === '' ? { name: 'is required' } : {}),
    send,
    ...(draft && { draft }),
  })
  return (
    <ResourceForm form={form} submit="Save">
      {(['name', 'seconds', 'secret'] as const).map((field) => (
        <TextInput key={field} label={field} {...form.form.getInputProps(field)} />
      ))}
    </ResourceForm>
  )
}

const refuse = (fields: Record<string, string>) => async () => {
  throw new ApiError('That was refused as a whole.', {
    code: 'request.invalid',
    fields: Object.entries(fields).map(([field, message]) => ({ field, message })),
  })
}

it('a form sends nothing while a field is known to be wrong, and says so beside that field', async () => {
  let sent = 0
  const { user, screen } = await draw(<Form send={async () => sent++} />)
  await user.click(screen.getByRole('button', { name: 'Save' }))
  expect(screen.getByText('is required')).toBeTruthy()
  await user.type(screen.getByLabelText('name'), 'web')
  expect(screen.queryByText('is required')).toBeNull()
  await user.click(screen.getByRole('button', { name: 'Save' }))
  await expect.poll(() => sent).toBe(1)
})

it('a fault of a field is shown beside it until it changes, under whichever name the request has it', async () => {
  const { user, screen } = await draw(
    <Form send={refuse({ 'name.0': 'is taken', timeoutMs: 'is too short' })} />,
  )
  await user.type(screen.getByLabelText('name'), 'web')
  await user.click(screen.getByRole('button', { name: 'Save' }))
  await screen.findByText('is too short')
  expect(screen.queryByRole('alert')).toBeNull()
  await user.type(screen.getByLabelText('seconds'), '0')
  expect(screen.queryByText('is too short')).toBeNull()
  expect(screen.getByText('is taken')).toBeTruthy()
})

it('what no field of a form shows is told below it until anything changes', async () => {
  const { user, screen } = await draw(<Form send={refuse({ version: 'is stale' })} />)
  await user.type(screen.getByLabelText('name'), 'web')
  await user.click(screen.getByRole('button', { name: 'Save' }))
  expect((await screen.findByRole('alert')).textContent).toContain('version is stale')
  await user.type(screen.getByLabelText('seconds'), '0')
  expect(screen.queryByRole('alert')).toBeNull()
})

it('a form that is being sent is not sent a second time by Enter', async () => {
  const calls: string[] = []
  const answer = Promise.withResolvers<void>()
  const send = ({ name }: Values) => {
    calls.push(name)
    return answer.promise
  }
  const { user, screen } = await draw(<Form send={send} />)
  await user.type(screen.getByLabelText('name'), 'web{Enter}')
  await user.type(screen.getByLabelText('name'), '{Enter}')
  expect(calls).toEqual(['web'])
  answer.resolve()
  await expect.poll(() => (screen.getByLabelText('name') as HTMLInputElement).value).toBe('')
})

it('a draft outlives a reload without its secrets, and is forgotten once it is sent', async () => {
  const first = await draw(<Form send={refuse({})} draft="spec" />)
  await first.user.type(first.screen.getByLabelText('name'), 'web')
  await first.user.type(first.screen.getByLabelText('secret'), 'hush')
  expect(JSON.stringify(sessionStorage)).not.toContain('hush')
  cleanup()
  const second = await draw(<Form send={async () => undefined} draft="spec" />)
  const name = () => second.screen.getByLabelText('name') as HTMLInputElement
  expect(name().value).toBe('web')
  await second.user.click(second.screen.getByRole('button', { name: 'Save' }))
  await expect.poll(() => sessionStorage.getItem('rollcall.draft.spec')).toBeNull()
})
