// @vitest-environment happy-dom
import type { SecretView } from '@rollcall/contracts/admin'
import { describe, expect, it } from 'vitest'
import { draw, refusal, serve } from '../../testing/draw.tsx'
import { faultsIn, NO_SECRET, toBase64, toData } from './secret-value.ts'
import SecretsPage from './secrets-page.tsx'

const secret = (name: string, usedBy: string[] = []): SecretView => ({
  id: '00000000-0000-4000-8000-000000000001',
  name,
  version: 3,
  bytes: 21,
  createdBy: 'Ada',
  createdAt: '2026-11-30T10:00:00.000Z',
  updatedAt: '2026-11-30T10:00:00.000Z',
  usedBy,
})
const VALUE = 'grüße & co'

describe('the page of secrets', () => {
  it('the value of a secret is sent byte for byte and stays nowhere on the page', async () => {
    const made = serve({
      'GET /api/secrets': () => ({ secrets: [secret('db_password')] }),
      'POST /api/secrets': () => ({ secret: secret('tls_key'), isChanged: true }),
    })
    const { user, screen } = await draw(<SecretsPage />, ['secrets:read', 'secrets:write'])
    await user.type(screen.getByLabelText('Name'), 'tls_key')
    await user.type(screen.getByLabelText('Value'), VALUE)
    expect(screen.getByLabelText('Value').className).toContain('masked')
    expect(JSON.stringify(sessionStorage)).not.toContain('gr')
    await user.click(screen.getByRole('button', { name: 'Set secret' }))
    await expect.poll(() => (screen.getByLabelText('Value') as HTMLTextAreaElement).value).toBe('')
    expect(made.find(({ route }) => route.startsWith('POST'))?.body).toEqual({
      name: 'tls_key',
      data: Buffer.from(VALUE).toString('base64'),
    })
  })

  it('the dialog for a new value never shows the old one, and keeps what was typed over a refusal', async () => {
    serve({
      'GET /api/secrets': () => ({ secrets: [secret('db_password')] }),
      'POST /api/secrets': () => refusal(400, 'request.invalid', 'wrong', { data: 'must be at most 64 KiB' }),
    })
    const { user, screen } = await draw(<SecretsPage />, ['secrets:read', 'secrets:write'])
    await user.click(await screen.findByRole('button', { name: 'Set a new value' }))
    const dialog = await screen.findByRole('dialog')
    const field = dialog.querySelector('textarea') as HTMLTextAreaElement
    expect(field.value).toBe('')
    await user.type(field, 'x')
    await user.click(screen.getAllByRole('button', { name: 'Set a new value' }).at(-1) as HTMLElement)
    await screen.findByText('must be at most 64 KiB')
    expect(field.value).toBe('x')
  })

  it('a secret that a service uses is offered no removal', async () => {
    const free = { ...secret('free'), id: '00000000-0000-4000-8000-000000000002' }
    serve({ 'GET /api/secrets': () => ({ secrets: [secret('used', ['shop/web']), free] }) })
    const { screen } = await draw(<SecretsPage />, ['secrets:read', 'secrets:write'])
    await screen.findByText('shop/web')
    expect(screen.getAllByRole('button', { name: 'Remove' })).toHaveLength(1)
  })

  it('who may only read secrets is offered no way to set or remove one', async () => {
    serve({ 'GET /api/secrets': () => ({ secrets: [secret('free')] }) })
    const { screen } = await draw(<SecretsPage />, ['secrets:read'])
    await screen.findByText('free')
    expect(screen.queryByRole('button')).toBeNull()
  })
})

describe('the value of a secret', () => {
  it('a value of the largest size is accepted and a larger one is refused before it is sent', () => {
    expect(faultsIn({ ...NO_SECRET, value: 'x'.repeat(65_536) })).toEqual({})
    expect(faultsIn({ ...NO_SECRET, value: 'ü'.repeat(32_769) })).toEqual({ value: 'At most 64 KiB.' })
    expect(faultsIn({ ...NO_SECRET, file: new File(['x'.repeat(65_537)], 'key') })).toEqual({
      file: 'At most 64 KiB.',
    })
    expect(Object.keys(faultsIn(NO_SECRET))).toEqual(['value'])
    expect(Object.keys(faultsIn({ ...NO_SECRET, value: 'x', file: new File(['y'], 'key') }))).toEqual([
      'file',
    ])
  })

  it('a file of any bytes is sent as it is', async () => {
    const bytes = Uint8Array.from({ length: 20_000 }, (_none, at) => at % 256)
    expect(await toData({ ...NO_SECRET, file: new File([bytes], 'key') })).toBe(
      Buffer.from(bytes).toString('base64'),
    )
    expect(toBase64(new Uint8Array())).toBe('')
  })
})
