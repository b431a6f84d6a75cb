import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Host, whyNoBed } from '../bed/index.ts'
import type { Api } from '../fleet/api.ts'
import { Fleet } from '../fleet/fleet.ts'
import type { ServerProcess } from '../fleet/server-process.ts'
import { DESK, openBrowser } from './chromium.ts'
import { becomeAdmin, PROMPT, signIn } from './sign-in.ts'

const noBed = await whyNoBed()
const WAIT = { timeout: 60_000 }

/** Pages are truthful: nothing typed is lost, nothing unfinished is called done, and nothing is out of reach. */
describe.skipIf(noBed)(`pages say what is so ${noBed ?? ''}`, () => {
  const opened = new AsyncDisposableStack()
  let db: Host
  let server: ServerProcess
  let api: Api
  let browser: Browser
  let context: BrowserContext
  let page: Page
  const uncaught: string[] = []

  beforeAll(async () => {
    const labels = [{ env: 'prod' }, { env: 'test' }]
    const fleet = opened.use(
      await Fleet.open('pages', [{ name: 'web-1' }, { name: 'db-1' }], {
        add: (_host, i) => ({ labels: labels[i] ?? {} }),
      }),
    )
    ;({ server, api } = fleet)
    db = fleet.hosts[1] as Host
    const { credential } = fleet
    // Nobody answers there: its installation has failed, and it is a host all the same.
    const lost = await api.addHost({
      name: 'web-lost',
      address: '127.0.0.1',
      port: 1,
      credential,
      labels: { env: 'prod' },
    })
    expect(lost.state).toBe('failed')
    browser = await openBrowser()
    opened.defer(() => browser.close())
    context = await browser.newContext(DESK)
    page = await context.newPage()
    page.on('pageerror', (error) => uncaught.push(`${page.url()}: ${error}`))
    await becomeAdmin(server, page)
  })
  afterAll(() => opened.disposeAsync())

  const open = (path: string) => page.goto(server.url + path)
  const search = () => page.getByLabel('Search name')
  const output = () => page.getByTestId('output')
  const sh = async (hosts: string[], script: string) => {
    const commands = await api.run({ hosts, program: 'sh', args: ['-c', script] })
    return commands.map(({ id, runId }) => ({ id, runId }))
  }

  it('the search box keeps the focus and every letter, however slowly one types', async () => {
    await open('/')
    await page.locator('[data-host=web-1]').waitFor(WAIT)
    await page.keyboard.press('/')
    await page.keyboard.type('db')
    await expect.poll(() => page.url(), WAIT).toContain('search=db')
    await page.keyboard.type('-1', { delay: 300 })
    expect(await search().inputValue()).toBe('db-1')
    expect(await search().evaluate((box) => box === document.activeElement)).toBe(true)
    await expect.poll(() => page.url(), WAIT).toContain('search=db-1')
    await page.getByRole('button', { name: 'Clear filters' }).click()
    await expect.poll(() => search().inputValue(), WAIT).toBe('')
  })

  it('a half-typed selector leaves the list as it is and says what is missing', async () => {
    await open('/')
    await page.locator('[data-host=web-1]').waitFor(WAIT)
    const box = page.getByLabel('Label selector, such as')
    await box.pressSequentially('env in (pr', { delay: 60 })
    await page.getByText('Not applied').waitFor(WAIT)
    expect(await page.locator('[data-host]').count()).toBe(3)
    await box.pressSequentially('od)', { delay: 60 })
    await page.locator('[data-host=db-1]').waitFor({ state: 'detached', ...WAIT })
    await expect.poll(() => page.locator('[data-host]').count(), WAIT).toBe(2)
    expect(await box.evaluate((element) => element === document.activeElement)).toBe(true)
    // Nor does an address that somebody has kept take the boxes away.
    await open(`/?labels=${encodeURIComponent('env in (a')}`)
    await page.getByLabel('Label selector, such as').fill('')
    await page.locator('[data-host=db-1]').waitFor(WAIT)
  })

  it('an active filter is visible and can be switched off, though nothing matches', async () => {
    await open('/')
    const chip = page.getByRole('button', { name: 'install failed' })
    await chip.click()
    await page.locator('[data-host=web-1]').waitFor({ state: 'detached', ...WAIT })
    await search().fill('db')
    await page.getByText('No matching hosts').waitFor(WAIT)
    expect(await chip.getAttribute('aria-pressed')).toBe('true')
    await chip.click()
    await page.locator('[data-host=db-1]').waitFor(WAIT)
  })

  it('"Run again" asks for the same run: all its hosts, its waves, its folder and its environment', async () => {
    const [first] = await api.run({
      hosts: ['web-1', 'db-1'],
      program: 'sh',
      args: ['-c', 'echo "$SECRET" | wc -c; pwd'],
      env: { SECRET: 'hush-hush' },
      cwd: '/tmp',
      limits: { batch: 1, stopAfterFailures: 1 },
    })
    await api.ended(first?.id ?? '')
    await open(`/runs/${first?.runId}`)
    await page.getByRole('link', { name: 'Run again' }).click()
    await page.waitForURL(/\/run\?again=/, WAIT)
    await expect.poll(() => page.getByLabel('Batch size').inputValue(), WAIT).toBe('1')
    expect(await page.locator('.mantine-Pill-label').allTextContents()).toEqual(['db-1', 'web-1'])
    expect(await page.getByLabel('Working directory').inputValue()).toBe('/tmp')
    await page.getByText('Reused from the earlier run, values hidden: SECRET').waitFor(WAIT)
    expect(await page.content()).not.toContain('hush-hush')
    await page.getByRole('button', { name: 'Run', exact: true }).click()
    await page.waitForURL(/\/runs\//, WAIT)
    const runId = page.url().split('/').at(-1)
    const { commands } = await api.call('listCommands', { query: { runId } })
    expect(commands).toHaveLength(2)
    for (const { id } of commands) {
      expect((await api.ended(id)).state).toBe('success')
      expect(await api.text(id)).toBe('10\n/tmp\n')
    }
  })

  it('a plan that failed on all hosts is not shown as "no changes"', async () => {
    const plan = await api.call('runPlaybook', {
      params: { playbook: 'check_service' },
      body: { hosts: ['web-1', 'db-1'], mode: 'plan', variables: { check_service_name: 'no-such-service' } },
    })
    for (const { id } of plan.commands) expect((await api.ended(id)).state).toBe('failed')
    await open(`/runs/${plan.runId}`)
    await page.getByTestId('verdict').getByText('failed on all 2 hosts').waitFor(WAIT)
    expect(await page.getByText('No changes needed').count()).toBe(0)
    expect(await page.getByRole('button', { name: 'Apply plan' }).count()).toBe(0)
    await page.locator('h1 [data-mode=plan]').waitFor(WAIT)
  })

  it('a playbook run shows its tasks on every page, and its wire format on none', async () => {
    const { runId, commands } = await api.call('runPlaybook', {
      params: { playbook: 'check_service' },
      body: { hosts: ['web-1', 'db-1'], variables: { check_service_name: 'ssh' } },
    })
    for (const { id } of commands) await api.ended(id)
    await open(`/runs/${runId}`)
    await page.locator('[data-task=ok]').first().waitFor(WAIT)
    await page.getByRole('tab', { name: 'By host' }).click()
    await page.getByRole('button', { name: 'db-1' }).click()
    await page.locator('[data-task=ok]').first().waitFor(WAIT)
    expect(await page.getByText('nonce').count()).toBe(0)
    await open(`/commands/${commands[0]?.id}`)
    await page.locator('[data-task=ok]').first().waitFor(WAIT)
    expect(await page.getByText('nonce').count()).toBe(0)
  })

  it('a long output is scrolled from beginning to end, and no line is lost, doubled or cut', async () => {
    const [command] = await sh(['web-1'], 'seq -f "line %07.0f of a long output" 1 60000; echo the-last')
    await api.ended(command?.id ?? '')
    await open(`/commands/${command?.id}`)
    await output().getByText('the-last').waitFor(WAIT)
    await page.getByRole('button', { name: 'Go to start' }).click()
    await output().getByText('line 0000001 of').waitFor(WAIT)
    const seen = new Set<number>()
    await output().evaluate((box) => box.focus())
    const numbers = async () =>
      (await output().locator('.line').allTextContents()).map((text) =>
        Number(/^line (\d{7}) of a long output$/.exec(text)?.[1]),
      )
    for (let tries = 0; tries < 4000 && !(await output().getByText('the-last').count()); tries++) {
      const shown = await numbers()
      for (const [i, n] of shown.entries())
        if (i > 0 && shown.at(-1) !== undefined)
          expect(n - (shown[i - 1] ?? 0) === 1 || Number.isNaN(n)).toBe(true)
      for (const n of shown) seen.add(n)
      await output().evaluate((box) => box.scrollBy(0, box.clientHeight * 12))
      await page.evaluate(() => new Promise(requestAnimationFrame))
    }
    await output().getByText('the-last').waitFor(WAIT)
    expect(await numbers()).toContain(60_000)
    // Backwards too, from the end.
    await page.getByRole('button', { name: 'Go to end' }).click()
    for (let tries = 0; tries < 4000 && !(await output().getByText('line 0000001 of').count()); tries++) {
      await output().evaluate((box) => box.scrollTo(0, 0))
      await page.evaluate(() => new Promise(requestAnimationFrame))
    }
    await output().getByText('line 0000001 of').waitFor(WAIT)
  })

  it('output that failed to load is requested again automatically at the end of the scroll range', async () => {
    const [command] = await sh(['web-1'], 'seq -f "line %07.0f of a long output" 1 60000')
    await api.ended(command?.id ?? '')
    await open(`/commands/${command?.id}`)
    await output().getByText('line 0060000 of').waitFor(WAIT)
    await page.getByRole('button', { name: 'Go to start' }).click()
    await output().getByText('line 0000001 of').waitFor(WAIT)
    const reads = /\/api\/commands\/[^/]+\/output\?/
    await page.route(reads, (route) => route.abort())
    await output().evaluate((box) => box.scrollTo(0, box.scrollHeight))
    await page.getByRole('alert').waitFor(WAIT)
    const height = await output().evaluate((box) => box.scrollHeight)
    await page.unroute(reads)
    await page.getByRole('alert').waitFor({ ...WAIT, state: 'detached' })
    expect(await output().evaluate((box) => box.scrollHeight)).toBeGreaterThan(height)
  })

  it('lines of stderr are found anywhere in a long output', async () => {
    const script = 'seq -f "out %.0f" 1 200000; echo "the complaint" >&2; seq -f "out %.0f" 1 200000'
    const [command] = await sh(['web-1'], script)
    const [silent] = await sh(['web-1'], 'seq 1 10')
    await api.ended(command?.id ?? '')
    await open(`/commands/${command?.id}`)
    await output().getByText('out 200000').waitFor(WAIT)
    await page.getByLabel('stderr only').check()
    await output().getByText('the complaint').waitFor(WAIT)
    expect(await output().locator('.line').count()).toBe(1)
    await page.getByRole('button', { name: 'Go to start' }).click()
    await output().getByText('the complaint').waitFor(WAIT)
    await open(`/commands/${silent?.id}`)
    await page.getByLabel('stderr only').check()
    await output().getByText('No output on stderr').waitFor(WAIT)
  })

  it('a viewer who follows a fast output sees its end, and never an empty pane', async () => {
    const [command] = await sh(
      ['web-1'],
      'for i in $(seq 40); do seq -f "fast $i %.0f" 1 40000; done; echo the-very-last',
    )
    await open(`/commands/${command?.id}`)
    await output().locator('.line').first().waitFor(WAIT)
    await page.evaluate(() => {
      const box = document.querySelector('[data-testid=output]') as HTMLElement
      const observe = () => {
        const isEmpty = ![...box.querySelectorAll('.line')].some((line) => {
          const { top, bottom } = line.getBoundingClientRect()
          const own = box.getBoundingClientRect()
          return bottom > own.top && top < own.bottom
        })
        if (isEmpty)
          Object.assign(window, {
            emptyFrames: ((window as never as { emptyFrames?: number }).emptyFrames ?? 0) + 1,
          })
        requestAnimationFrame(observe)
      }
      requestAnimationFrame(observe)
    })
    await page.locator('[data-state=success]').first().waitFor({ timeout: 120_000 })
    await output().getByText('the-very-last').waitFor({ timeout: 10_000 })
    expect(await page.evaluate(() => (window as never as { emptyFrames?: number }).emptyFrames ?? 0)).toBe(0)
  })

  it('a progress line is shown as in a terminal, however often it was overwritten', async () => {
    const script = String.raw`i=0; while [ $i -lt 3000 ]; do i=$((i+1)); printf '\rstep %d of 3000 ......' $i; done; printf '\rdone'; echo`
    const [command] = await sh(['web-1'], script)
    await api.ended(command?.id ?? '')
    await open(`/commands/${command?.id}`)
    await output().getByText('done 3000 of 3000 ......').waitFor(WAIT)
  })

  it('a terminal is found from any browser, asks before it ends, and says how it ended', async () => {
    const screen = (on: Page) => on.getByTestId('terminal').locator('.xterm-rows')
    await open('/terminals?host=web-1')
    await screen(page).getByText(PROMPT).first().waitFor(WAIT)
    await page.keyboard.type('echo kept-$((40 + 2))\n')
    await screen(page).getByText('kept-42').first().waitFor(WAIT)
    // Another device of the same person knows nothing but the server's word.
    const other = await browser.newContext(DESK)
    opened.defer(() => other.close())
    const theirs = await other.newPage()
    const conflicts: string[] = []
    theirs.on('response', (response) => {
      if (response.status() === 409) conflicts.push(response.url())
    })
    await signIn(server, theirs, 'ada@example.com')
    await theirs.goto(`${server.url}/terminals`)
    await theirs.getByRole('tab', { name: 'web-1' }).waitFor(WAIT)
    await screen(theirs).getByText('kept-42').first().waitFor(WAIT)
    await theirs.getByRole('button', { name: 'End', exact: true }).click()
    await theirs.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
    await theirs.getByRole('dialog').waitFor({ state: 'detached', ...WAIT })
    await theirs.getByRole('tab', { name: 'web-1' }).waitFor(WAIT)
    await theirs.getByRole('button', { name: 'End', exact: true }).click()
    await theirs.getByRole('dialog').getByRole('button', { name: 'End', exact: true }).click()
    await theirs.getByText('No open terminals').waitFor(WAIT)
    await page.getByText('This terminal has ended.').waitFor(WAIT)
    await page.setViewportSize({ width: 1000, height: 700 })
    await page.setViewportSize(DESK.viewport)
    await page.getByRole('button', { name: 'Close', exact: true }).click()
    expect(conflicts).toEqual([])
  })

  it('a file fetched from a host keeps its name', async () => {
    await open('/files')
    await page.getByRole('button', { name: 'Fetch file' }).click()
    await page.getByLabel('Host', { exact: true }).fill('web-1')
    await page.getByLabel('Path on the host').fill('/etc/os-release')
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Fetch', exact: true }).click()
    expect((await download).suggestedFilename()).toBe('os-release')
  })

  it('hosts removed together are listed as removed, and failures are reported', async () => {
    await db.powerOff()
    await open('/')
    for (const name of ['db-1', 'web-lost']) await page.getByLabel(`Select ${name}`).check()
    await page.getByRole('region', { name: '2 selected' }).getByRole('button', { name: 'Remove' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
    const notice = page.locator('.mantine-Notification-root')
    await notice.getByText('in progress').waitFor(WAIT)
    expect(await notice.getByText('2 of 2 done').count()).toBe(0)
    await notice.getByText(/[01] of 2 done/).waitFor({ timeout: 180_000 })
    await notice.getByText('db-1').waitFor(WAIT)
  })

  it('no page reported an error in its console', () => {
    expect(uncaught).toEqual([])
  })
})
