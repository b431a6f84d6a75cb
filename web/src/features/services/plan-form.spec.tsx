// @vitest-environment happy-dom
import { placementOf } from '@rollcall/contracts/admin/services/testing/service-views'
import { cleanup } from '@testing-library/react'
import { describe, expect, it } from 'vitest'
import { accepted, draw, serve } from '../../testing/draw.tsx'
import { faultyLines, toOffset } from './plan-editor.tsx'
import { PlanForm } from './plan-form.tsx'
import { planSummary, shownSlots } from './plan-view.tsx'
import { PLAN_ID, planEntry, planOf } from './testing/views.ts'

const GOOD = 'name: shop\nservices:\n  web: {image: "nginx:1.27"}\n'
const WRONG = 'name: shop\nservices:\n  web:\n    image: nginx:1.27\n    build: .\n'
const form = (text: string) => <PlanForm source="spec" text={text} files={[]} />
const button = (name: string) => ({ name }) as const

describe('the editor of service files', () => {
  it('a fault is marked at its line as one types, with what to write instead, and nothing can be planned', async () => {
    serve({})
    const { user, screen } = await draw(form(WRONG), ['services:write'])
    const fault = await screen.findByRole('button', { name: /Line 5/ })
    expect(fault.textContent).toContain('services.web.build')
    expect(document.querySelector('[data-fault]')?.textContent).toBe('5')
    expect((screen.getByRole('button', button('Plan')) as HTMLButtonElement).disabled).toBe(true)
    await user.click(fault)
    const field = screen.getByLabelText('Compose file') as HTMLTextAreaElement
    expect(document.activeElement).toBe(field)
    expect(field.value.slice(field.selectionStart)).toMatch(/^build/)
    await user.clear(field)
    field.focus()
    await user.paste(GOOD)
    const plan = screen.getByRole('button', button('Plan')) as HTMLButtonElement
    await expect.poll(() => plan.disabled).toBe(false)
  })

  it('a plan is shown and applied after a question, and is gone as soon as the file changes', async () => {
    const plan = planOf([
      planEntry({
        placements: [
          placementOf(1),
          placementOf(2, { host: null, reason: 'no host of 3: 3 lack label zone=a' }),
        ],
      }),
    ])
    const made = serve({
      'POST /api/service-plans': () => ({ plan, faults: [], keys: [] }),
      [`POST /api/service-plans/${PLAN_ID}/apply`]: () =>
        accepted({
          planId: PLAN_ID,
          project: 'shop',
          services: [],
        }),
    })
    const { user, screen, router } = await draw(form(GOOD), ['services:write'])
    await user.click(screen.getByRole('button', button('Plan')))
    await screen.findByText('shop: 1 new')
    expect(screen.getByText('no host of 3: 3 lack label zone=a')).toBeTruthy()
    await user.type(screen.getByLabelText('Compose file'), '# x')
    expect(screen.queryByText('shop: 1 new')).toBeNull()
    await user.click(screen.getByRole('button', button('Plan')))
    await screen.findByText('shop: 1 new')
    await user.click(screen.getByRole('button', button('Apply')))
    await screen.findByText('1 instance has no host yet and will wait.')
    expect(made.some(({ route }) => route.endsWith('/apply'))).toBe(false)
    await user.click(screen.getAllByRole('button', button('Apply')).at(-1) as HTMLElement)
    await expect.poll(() => router.state.location.pathname).toBe('/services')
  })

  it('faults that only the server finds are marked in the file too, until it changes', async () => {
    const fault = {
      code: 'service.invalid',
      line: 3,
      column: 9,
      key: 'services.web.image',
      reason: 'is in no registry',
      instead: 'add it: rollcall image add',
    }
    serve({ 'POST /api/service-plans': () => ({ plan: null, faults: [fault], keys: [] }) })
    const { user, screen } = await draw(form(GOOD), ['services:write'])
    await user.click(screen.getByRole('button', button('Plan')))
    await screen.findByText('is in no registry')
    expect(document.querySelector('[data-fault]')?.textContent).toBe('3')
    await user.type(screen.getByLabelText('Compose file'), '# x')
    expect(screen.queryByText('is in no registry')).toBeNull()
  })

  it('variables are sent as values and stay nowhere in the browser; the file outlives a reload', async () => {
    const made = serve({ 'POST /api/service-plans': () => ({ plan: planOf([]), faults: [], keys: [] }) })
    const first = await draw(form(''), ['services:write'])
    const editor = () => first.screen.getByLabelText('Compose file') as HTMLTextAreaElement
    editor().focus()
    await first.user.paste('name: a\nservices: {w: {image: "x:$TAG"}}')
    const variables = first.screen.getByLabelText('Variables')
    variables.focus()
    await first.user.paste('TAG=hush')
    await expect.poll(() => first.screen.queryByText(/Line/)).toBeNull()
    await first.user.click(first.screen.getByRole('button', button('Plan')))
    await expect.poll(() => made.at(-1)?.body).toMatchObject({ variables: { TAG: 'hush' } })
    expect(JSON.stringify(sessionStorage)).not.toContain('hush')
    cleanup()
    const second = await draw(form(''), ['services:write'])
    expect((second.screen.getByLabelText('Compose file') as HTMLTextAreaElement).value).toContain('name: a')
  })

  it('newer images are taken only once they are asked for, and a plan without them goes as soon as they are', async () => {
    const made = serve({
      'POST /api/service-plans': () => ({ plan: planOf([planEntry()]), faults: [], keys: [] }),
    })
    const { user, screen } = await draw(form(GOOD), ['services:write'])
    await user.click(screen.getByRole('button', button('Plan')))
    await screen.findByText('shop: 1 new')
    expect(made.at(-1)?.body).toMatchObject({ newerImages: false })
    const box = screen.getByRole('checkbox', button('Take newer images')) as HTMLInputElement
    expect(box.checked).toBe(false)
    await user.click(box)
    expect(screen.queryByText('shop: 1 new')).toBeNull()
    await user.click(screen.getByRole('button', button('Plan')))
    await expect.poll(() => made.at(-1)?.body).toMatchObject({ newerImages: true })
  })

  it('a file that the service file names is asked for and sent under the path that stands there', async () => {
    const text = 'name: a\nservices: {w: {image: "x:1", configs: [c]}}\nconfigs: {c: {file: ./nginx.conf}}\n'
    const made = serve({ 'POST /api/service-plans': () => ({ plan: planOf([]), faults: [], keys: [] }) })
    const { user, screen } = await draw(form(text), ['services:write'])
    await screen.findByText('not chosen yet')
    const input = document.querySelector('input[type=file]') as HTMLInputElement
    await user.upload(input, new File(['worker 1;'], 'nginx.conf'))
    await screen.findByText('read')
    await expect.poll(() => document.querySelector('[data-fault]')).toBeNull()
    await user.click(screen.getByRole('button', button('Plan')))
    await expect
      .poll(() => made.at(-1)?.body)
      .toMatchObject({
        files: [{ path: './nginx.conf', text: 'worker 1;' }],
      })
  })
})

describe('parts of a plan', () => {
  it('a place in a file is found by line and column, and one behind its end is the end', () => {
    expect(toOffset('ab\ncd\n', 2, 2)).toBe(4)
    expect(toOffset('ab\ncd\n', 1, 9)).toBe(2)
    expect(toOffset('ab', 7, 1)).toBe(2)
    expect(
      faultyLines(
        [3, 3, 1].map((line) => ({
          code: 'service.invalid',
          line,
          column: 1,
          key: '',
          reason: '',
          instead: '',
        })),
      ),
    ).toEqual([3, 1])
  })

  it('a plan is summed up by what it does, and services without a change are counted too', () => {
    const services = [planEntry(), planEntry({ action: 'unchanged' }), planEntry({ action: 'unchanged' })]
    expect(planSummary({ services })).toBe('1 new, 2 unchanged')
  })

  it('slots without a host are shown before the others, and never more than a page takes', () => {
    const placements = Array.from({ length: 80 }, (_none, i) => placementOf(i + 1))
    placements[79] = placementOf(80, { host: null })
    const shown = shownSlots(placements)
    expect([shown.length, shown[0]?.slot, shown[1]?.slot]).toEqual([50, 80, 1])
  })
})
