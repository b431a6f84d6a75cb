// @vitest-environment happy-dom
import { expect, it, vi } from 'vitest'
import { draw } from '../../testing/draw.tsx'
import { OutputPane } from './output-pane.tsx'
import { OutputWindow } from './output-window.ts'
import type { useOutputWindow } from './use-output-window.ts'

type View = ReturnType<typeof useOutputWindow>
const encoder = new TextEncoder()

function viewOn(text: string): View {
  const nothing = async () => ({ chunks: [], firstOffset: 0, nextOffset: 0 })
  const window = new OutputWindow({ after: nothing, before: nothing })
  if (text) window.append('stdout', encoder.encode(text), 0, true)
  return {
    window,
    error: undefined,
    isReady: true,
    isFollowing: true,
    setFollowing: vi.fn(),
    earlier: async () => true,
    later: async () => true,
    goTo: async () => true,
    toEnd: async () => true,
  }
}

const pane = (text: string, more: Partial<Parameters<typeof OutputPane>[0]> = {}) => (
  <OutputPane
    view={viewOn(text)}
    hit={undefined}
    place={undefined}
    height="200px"
    isErrOnly={false}
    isRunning={false}
    {...more}
  />
)

it('an output pane draws the lines that are seen and no more, however long the output is', async () => {
  const lines = Array.from({ length: 5000 }, (_, i) => `line ${i}`)
  const { screen } = await draw(pane(`${lines.join('\n')}\n`))
  const drawn = screen.getByTestId('output').querySelectorAll('.line')
  expect(drawn.length).toBeLessThan(200)
  expect(Array.from(drawn).at(-1)?.textContent).toBe('line 4999')
})

it('an output pane says that there is no output, and that there is none yet while the command runs', async () => {
  const ended = await draw(pane(''))
  expect(ended.screen.getByRole('status').textContent).toBe('No output')
  const running = await draw(pane('', { isRunning: true, isErrOnly: true }))
  expect(running.screen.getByText('No output on stderr yet')).toBeTruthy()
})

it('an output pane draws what a program wrote as text, with its colours and without its markup', async () => {
  const { screen } = await draw(pane('\u001b[31m<b>red</b>\u001b[0m\n'))
  const output = screen.getByTestId('output')
  expect(output.querySelector('b')).toBeNull()
  expect(output.textContent).toBe('<b>red</b>')
  expect(output.querySelector('span')?.style.color).not.toBe('')
})

it('an output pane whose edge is still in view reads on, although a page moved nothing', async () => {
  const view = viewOn('line\n')
  view.window.isAtStart = false
  const earlier = vi.fn(async () => {
    if (earlier.mock.calls.length === 3) view.window.isAtStart = true
    return true
  })
  await draw(pane('', { view: { ...view, isFollowing: false, earlier } }))
  await expect.poll(() => earlier.mock.calls.length).toBe(3)
})
