// @vitest-environment happy-dom
import { expect, it } from 'vitest'
import { draw } from '../testing/draw.tsx'
import { ConfirmButton } from './confirm.tsx'

const button = (send: () => Promise<unknown>) => (
  <ConfirmButton label="Remove" title="Remove web?" explanation="It is gone." confirm="Yes" send={send} />
)

it('a button that asks first sends nothing until its question is answered', async () => {
  let sent = 0
  const { user, screen } = await draw(button(async () => sent++))
  await user.click(screen.getByRole('button', { name: 'Remove' }))
  expect(screen.getByText('It is gone.')).toBeTruthy()
  await user.click(screen.getByRole('button', { name: 'Cancel' }))
  expect(sent).toBe(0)
  await user.click(screen.getByRole('button', { name: 'Remove' }))
  await user.click(screen.getByRole('button', { name: 'Yes' }))
  await expect.poll(() => sent).toBe(1)
  await expect.poll(() => screen.queryByRole('dialog')).toBeNull()
})

it('a dialog whose request fails stays open with the reason, and opens without it the next time', async () => {
  const { user, screen } = await draw(
    button(async () => {
      throw new Error('The host is busy.')
    }),
  )
  await user.click(screen.getByRole('button', { name: 'Remove' }))
  await user.click(screen.getByRole('button', { name: 'Yes' }))
  expect((await screen.findByRole('alert')).textContent).toBe('The host is busy.')
  await user.click(screen.getByRole('button', { name: 'Cancel' }))
  await user.click(screen.getByRole('button', { name: 'Remove' }))
  expect(screen.queryByRole('alert')).toBeNull()
})
