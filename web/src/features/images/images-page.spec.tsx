// @vitest-environment happy-dom
import type { ImagePullView, ImageView } from '@rollcall/contracts/admin'
import { expect, it } from 'vitest'
import { draw, refusal, serve } from '../../testing/draw.tsx'
import ImagesPage from './images-page.tsx'

const DIGEST = `sha256:${'a'.repeat(64)}`
const image = (id: number, name: string, usedBy: string[] = []): ImageView => ({
  id: `00000000-0000-4000-8000-00000000000${id}`,
  name,
  repository: name,
  tag: '1',
  digest: DIGEST,
  source: 'registry',
  bytes: 2048,
  variants: [{ architecture: 'amd64', digest: DIGEST, bytes: 2048, layers: 2 }],
  usedBy,
  spares: usedBy.map((service) => ({ service, host: 'app-4', state: 'there' })),
  isHere: true,
  addedBy: 'Ada',
  addedAt: '2026-11-30T10:00:00.000Z',
})
const pull = (state: ImagePullView['state'], more: Partial<ImagePullView> = {}): ImagePullView => ({
  id: '00000000-0000-4000-8000-000000000009',
  ref: 'nginx:1.27',
  state,
  bytes: 512,
  totalBytes: 2048,
  imageId: null,
  reasonCode: null,
  reason: null,
  requestedBy: 'Ada',
  createdAt: '2026-11-30T10:00:00.000Z',
  endedAt: state === 'running' ? null : '2026-11-30T10:00:00.000Z',
  ...more,
})
const answers = (images: ImageView[], pulls: ImagePullView[]) => ({
  'GET /api/images': () => ({ images }),
  'GET /api/image-pulls': () => ({ pulls }),
})
const WRITE = ['images:read', 'images:write'] as const

it('an image that a service uses is shown with its spare copies and offered no removal', async () => {
  serve(answers([image(1, 'web:1', ['shop/web']), image(2, 'db:1')], []))
  const { screen } = await draw(<ImagesPage />, [...WRITE])
  await screen.findByText('shop/web')
  await screen.findByText('app-4')
  expect(screen.getAllByRole('button', { name: 'Remove' })).toHaveLength(1)
})

it('a pull that runs shows how far it is and can be cancelled; one that failed shows why', async () => {
  serve(answers([], [pull('running')]))
  const first = await draw(<ImagesPage />, [...WRITE])
  await first.screen.findByText('512 B of 2.0 KiB')
  expect(first.screen.getByRole('button', { name: 'Cancel' })).toBeTruthy()
})

it('a failed pull says why in the words of the server and offers nothing to cancel', async () => {
  serve(answers([], [pull('failed', { reason: 'The registry asks for a password.' })]))
  const { screen } = await draw(<ImagesPage />, [...WRITE])
  await screen.findByText('The registry asks for a password.')
  expect(screen.queryByRole('button', { name: 'Cancel' })).toBeNull()
})

it('a wrong name of an image is told beside its field and stays to be corrected', async () => {
  const made = serve({
    ...answers([], []),
    'POST /api/image-pulls': () => refusal(400, 'request.invalid', 'wrong', { ref: 'must be known' }),
  })
  const { user, screen } = await draw(<ImagesPage />, [...WRITE])
  const field = () => screen.getByPlaceholderText('docker.io/library/nginx:1.27') as HTMLInputElement
  await user.type(field(), 'nosuch:1 ')
  await user.click(screen.getByRole('button', { name: 'Pull an image' }))
  await screen.findByText('must be known')
  expect(field().value).toBe('nosuch:1 ')
  expect(made.find(({ route }) => route === 'POST /api/image-pulls')?.body).toMatchObject({ ref: 'nosuch:1' })
})

it('who may only read images is offered neither pull, upload nor removal', async () => {
  serve(answers([image(1, 'web:1')], [pull('running')]))
  const { screen } = await draw(<ImagesPage />, ['images:read'])
  await screen.findByText('web:1')
  expect(screen.queryByRole('button')).toBeNull()
})

it('the password of a registry is sent with its user, and is gone from the page and the browser afterwards', async () => {
  const registry = {
    host: 'registry.lan:5000',
    username: 'ci',
    mirrors: ['mirror.lan', 'other.lan/hub'],
    plainHttp: false,
    hasCa: false,
    addedBy: 'Ada',
    addedAt: '2026-11-30T10:00:00.000Z',
  }
  const made = serve({
    ...answers([], []),
    'GET /api/registries': () => ({ registries: [] }),
    'POST /api/registries': () => new Response(JSON.stringify({ registry, isNew: true }), { status: 201 }),
  })
  const { user, screen } = await draw(<ImagesPage />, [...WRITE])
  await user.click(screen.getByRole('tab', { name: 'Registries' }))
  const password = () => screen.getByLabelText('Password or token') as HTMLInputElement
  await user.type(await screen.findByLabelText('Registry'), registry.host)
  await user.type(screen.getByLabelText('Mirrors'), registry.mirrors.join(' '))
  await user.type(screen.getByLabelText('User'), 'ci')
  await user.type(password(), 'hush')
  await user.click(screen.getByRole('button', { name: 'Set up a registry' }))
  await expect.poll(() => password().value).toBe('')
  expect(made.find(({ route }) => route.startsWith('POST'))?.body).toEqual({
    host: registry.host,
    username: 'ci',
    password: 'hush',
    mirrors: registry.mirrors,
    ca: null,
    plainHttp: false,
  })
  expect(JSON.stringify({ ...sessionStorage, ...localStorage })).not.toContain('hush')
})
