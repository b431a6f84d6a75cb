// @vitest-environment happy-dom
import { HOST_STATE, RUN_STATE, UPGRADE_HOST_STATE } from '@rollcall/contracts/admin'
import { expect, it } from 'vitest'
import { draw } from '../testing/draw.tsx'
import { StateBadge } from './state-badge.tsx'
import { StateBar } from './state-bar.tsx'

it('a badge tells a state by word and sign as well as by colour', async () => {
  await draw(<StateBadge state="install_failed" reason="There is no python3." />)
  const badge = document.querySelector('[data-state=install_failed]')
  expect(badge?.textContent).toBe(`${HOST_STATE.describe('install_failed').sign} install failed`)
  expect(badge?.getAttribute('title')).toBe('There is no python3.')
  expect(badge?.getAttribute('style')).toContain('var(--bad)')
})

it('a bar names what is over before what is not, and leaves out what there is none of', async () => {
  const counts = {
    held: 2,
    pending: 0,
    running: 1,
    success: 5,
    failed: 1,
    timed_out: 0,
    cancelled: 0,
    lost: 0,
  }
  const { screen } = await draw(<StateBar states={RUN_STATE} counts={counts} />)
  expect(screen.getByRole('img').getAttribute('aria-label')).toBe('5 success, 1 failed, 1 running, 2 queued')
})

it('a bar can show one state under the name of another', async () => {
  const { screen } = await draw(
    <StateBar
      states={UPGRADE_HOST_STATE}
      counts={{ upgraded: 1 }}
      shownAs={(state) => (state === 'upgraded' ? 'planned' : state)}
    />,
  )
  expect(screen.getByRole('img').getAttribute('aria-label')).toBe('1 planned')
})
