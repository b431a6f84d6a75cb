// @vitest-environment happy-dom
import { useForm } from '@mantine/form'
import { expect, it } from 'vitest'
import { draw, refusal, serve } from '../../testing/draw.tsx'
import { NO_TARGET, type TargetDraft } from './target.ts'
import { TargetFields } from './target-fields.tsx'

const PREVIEW = 'POST /api/target-previews'
const AGENTS = { total: 0, states: {}, agents: [] }

function Fields({ target }: { target: Partial<TargetDraft> }) {
  const form = useForm({ initialValues: { ...NO_TARGET, ...target } })
  return <TargetFields target={form.values} inputProps={form.getInputProps} />
}

it('a target by label shows how many hosts it comes to, and which of them are skipped and why', async () => {
  const made = serve({
    [PREVIEW]: () => ({
      total: 2,
      hosts: ['db', 'web'],
      skippedTotal: 1,
      skipped: [{ host: 'bare', reason: 'no agent is installed on it' }],
    }),
  })
  const { screen } = await draw(<Fields target={{ by: 'labels', labels: 'env=prod' }} />)
  await screen.findByText('2 hosts:')
  expect(screen.getByRole('status').textContent).toContain('db, web')
  expect(screen.getByRole('status').textContent).toContain('bare (no agent is installed on it)')
  expect(made).toEqual([{ route: PREVIEW, body: { labels: ['env=prod'] } }])
})

it('a label selector that matches nothing is refused beside its box while it is typed', async () => {
  serve({ [PREVIEW]: () => refusal(400, 'request.invalid', 'whole', { 'labels.0': 'matches no host' }) })
  const { screen } = await draw(<Fields target={{ by: 'labels', labels: 'env=nowhere' }} />)
  await screen.findByText('matches no host')
  expect(screen.queryByRole('alert')).toBeNull()
})

it('a target without hosts asks the server for no preview', async () => {
  const made = serve({ 'GET /api/agents': () => AGENTS })
  const { screen } = await draw(<Fields target={{ by: 'hosts' }} />)
  await screen.findByRole('combobox')
  expect(made.map(({ route }) => route)).not.toContain(PREVIEW)
})
