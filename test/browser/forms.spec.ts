import type { Role } from '@rollcall/contracts/admin'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { whyNoBed } from '../bed/index.ts'
import type { Api } from '../fleet/api.ts'
import { ServerProcess } from '../fleet/server-process.ts'
import { makeAgents } from '../load/agents.ts'
import { ServerData } from '../load/seed.ts'
import { findViolations } from './axe.ts'
import { DESK, openBrowser } from './chromium.ts'
import { addPerson, becomeAdmin } from './sign-in.ts'

const noBed = await whyNoBed()
const WAIT = { timeout: 60_000 }

/** Forms and addresses: what somebody meets who mistypes, is not allowed, or comes by a link. No host is needed for it. */
describe.skipIf(noBed)(`forms and addresses ${noBed ?? ''}`, () => {
  const opened = new AsyncDisposableStack()
  let server: ServerProcess
  let api: Api
  let browser: Browser
  let context: BrowserContext
  let page: Page
  const complaints: string[] = []

  beforeAll(async () => {
    server = opened.use(await ServerProcess.start())
    api = await server.api()
    await using data = await ServerData.open(server)
    const names = ['web-1', 'web-2', 'db-1']
    await data.seed(
      makeAgents(3).map((agent, i) => ({
        ...agent,
        name: names[i] ?? '',
        labels: { env: i === 2 ? 'test' : 'prod' },
      })),
      { state: 'online' },
    )
    const credential = { type: 'password' as const, password: 'not-the-one' }
    // Nobody answers there: a host without an agent.
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
    watch(page)
    await becomeAdmin(server, page)
  })
  afterAll(() => opened.disposeAsync())

  const open = (path: string, on = page) => on.goto(server.url + path)
  const watch = (on: Page) => on.on('pageerror', (error) => complaints.push(`${on.url()}: ${error}`))

  async function another(name: string, role: Role, scope: string[] | null): Promise<Page> {
    const own = await addPerson({ api, browser, server }, { name, role, scope })
    opened.defer(() => own.close())
    const theirs = await own.newPage()
    watch(theirs)
    return theirs
  }

  it('hosts that a target leaves out are named, and not counted', async () => {
    await open('/run?labels=env%3Dprod')
    await page.getByText('2 hosts:').waitFor(WAIT)
    await page.getByText('1 matching host is skipped:').waitFor(WAIT)
    await page.getByText('web-lost (no agent is installed on it)').waitFor(WAIT)
    await page.getByLabel('Label selector').fill('env=nowhere')
    await page.getByText('fits no host').waitFor(WAIT)
  })

  it('Enter takes the first suggested host, and an unknown name is reported at once', async () => {
    await open('/run?hosts=db-1')
    const box = page.locator('.mantine-TagsInput-inputField')
    await box.pressSequentially('we')
    await page.getByRole('option', { name: 'web-1' }).waitFor(WAIT)
    await box.press('Enter')
    await expect
      .poll(() => page.locator('.mantine-Pill-label').allTextContents(), WAIT)
      .toEqual(['db-1', 'web-1'])
    await box.fill('nobody')
    await box.press('Enter')
    await page.getByText('unknown: nobody').waitFor(WAIT)
  })

  it('commands are found by part of a host name, and a name without a match is no error', async () => {
    await open('/commands')
    const rows = page.locator('tbody tr')
    await rows.first().waitFor(WAIT)
    await page.getByLabel('Host name or part').pressSequentially('WEB-lo', { delay: 120 })
    await expect.poll(() => page.url(), WAIT).toContain('host=WEB-lo')
    await rows.getByText('web-lost').first().waitFor(WAIT)
    await page.getByLabel('Host name or part').fill('zzz')
    await page.getByText('No matching commands').waitFor(WAIT)
    expect(await page.getByText('Something went wrong').count()).toBe(0)
  })

  it('a switch whose change is refused says so and stays as it is', async () => {
    await api.call('addSchedule', {
      body: {
        name: 'uptime',
        cron: '0 4 * * *',
        command: { program: 'uptime' },
        target: { all: true },
      },
    })
    // Whatever the reason: here another admin has taken the right away a moment ago.
    const error = {
      code: 'request.forbidden',
      kind: 'rejected',
      message: 'This is not yours any more.',
      fields: [],
    }
    await page.route('**/api/schedules/uptime', (route) => route.fulfill({ status: 403, json: { error } }))
    await open('/schedules')
    const toggle = page.getByRole('switch', { name: 'Enable uptime' })
    await toggle.waitFor({ state: 'attached', ...WAIT })
    await toggle.click({ force: true })
    await page.getByRole('alert').getByText('not yours any more').waitFor(WAIT)
    await page.unroute('**/api/schedules/uptime')
    expect(await toggle.isChecked()).toBe(true)
  })

  it('an unknown address shows a page that says so, with a way back', async () => {
    for (const path of [
      '/nowhere',
      '/runs/nope',
      '/commands/nope',
      '/files/nope',
      '/upgrades/nope',
      '/playbooks/No%20Such',
      '/hosts/gone',
      '/runs/00000000-0000-4000-8000-000000000000',
    ]) {
      await open(path)
      await page.getByRole('heading', { name: 'Not found' }).waitFor(WAIT)
      expect([path, await page.getByRole('link', { name: 'Fleet', exact: true }).count()]).toEqual([path, 1])
      expect([path, await page.getByText('UUID').count()]).toEqual([path, 0])
    }
    await page.getByRole('link', { name: 'Go to the fleet' }).click()
    await page.locator('[data-host=web-1]').waitFor(WAIT)
  })

  it('a page without permission says so instead of showing its fields', async () => {
    const vic = await another('vic', 'viewer', null)
    for (const [path, permission] of [
      ['/run', 'commands:run'],
      ['/hosts/add', 'hosts:write'],
      ['/files/new', 'files:write'],
      ['/upgrades/new', 'upgrades:write'],
      ['/services/plan', 'services:write'],
      ['/terminals', 'terminals:open'],
      ['/users', 'users:read'],
    ] as const) {
      await open(path, vic)
      await vic.getByText(`requires the permission ${permission}`).waitFor(WAIT)
      expect([path, await vic.locator('main').locator('input, textarea, button').count()]).toEqual([path, 0])
    }
  })

  it('a service file is marked where the browser and where the server finds a fault, and keeps what was typed', async () => {
    await open('/services/plan?from=example')
    const editor = page.getByLabel('Compose file')
    const marks = page.locator('.editor-lines [data-fault]')
    await editor.press('Control+End')
    await editor.pressSequentially('    build: .')
    await page.getByText('build the image elsewhere').waitFor(WAIT)
    expect(await marks.allTextContents()).toEqual(['10'])
    expect(await page.getByRole('button', { name: 'Plan', exact: true }).isEnabled()).toBe(false)
    await page.reload()
    expect(await editor.inputValue()).toContain('build: .')
    await editor.press('Control+End')
    for (const _ of '    build: .') await editor.press('Backspace')
    await expect.poll(() => marks.count(), WAIT).toBe(0)
    // Only the server knows which images there are.
    await page.getByRole('button', { name: 'Plan', exact: true }).click()
    await expect.poll(() => marks.allTextContents(), WAIT).toEqual(['4'])
    await page.getByText('services.web.image').first().waitFor(WAIT)
  })

  it('services appear, change and go on an open page as somebody applies, stops and removes them', async () => {
    await open('/services')
    await page.getByText('No services yet').waitFor(WAIT)
    const image = `registry.lan/web@sha256:${'a'.repeat(64)}`
    const text = `name: shop\nservices: {web: {image: "${image}", deploy: {replicas: 2}, x-rollcall: {pull: host, place: {select: never=1}}}}`
    const { plan, faults } = await api.call('planServices', { body: { text } })
    expect(faults).toEqual([])
    await api.call('applyServicePlan', { params: { id: plan?.id ?? '' } })
    await page.getByRole('img', { name: '2 unplaced' }).waitFor(WAIT)
    await page.getByRole('link', { name: 'shop/web' }).click()
    const squares = page.getByRole('toolbar', { name: 'Instances' }).getByRole('button')
    await squares.nth(1).waitFor(WAIT)
    expect(await squares.nth(1).getAttribute('aria-label')).toMatch(/^shop\/web\.2 no host: unplaced\n/)
    await squares.nth(0).focus()
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('Enter')
    await page.locator('[data-instance="shop/web.2"]:focus').waitFor(WAIT)
    await page.waitForLoadState('networkidle')
    expect(await findViolations(page)).toEqual([])
    const params = { service: 'shop/web' }
    await api.call('operateService', { params, body: { action: 'stop' } })
    await page.getByRole('button', { name: 'Start', exact: true }).first().waitFor(WAIT)
    await api.call('operateService', { params, body: { action: 'remove' } })
    await page.getByText('There is no service shop/web').waitFor(WAIT)
  })

  it('a secret that is set in the browser is listed by its name, and its value is nowhere to be seen again', async () => {
    await open('/secrets')
    const value = 'canary-4711'
    await page.getByLabel('Name').fill('db_password')
    await page.getByLabel('Value').fill(value)
    await page.getByRole('button', { name: 'Set secret' }).click()
    const row = page.locator('tbody tr').filter({ hasText: 'db_password' })
    await row.getByText('11 B').waitFor(WAIT)
    expect(await page.getByLabel('Value').inputValue()).toBe('')
    await page.reload()
    await row.waitFor(WAIT)
    const stored = await page.evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage }))
    expect((await page.content()) + stored).not.toContain(value)
    expect(JSON.stringify(await api.call('showSecret', { params: { name: 'db_password' } }))).not.toContain(
      value,
    )
    await row.getByRole('button', { name: 'Remove' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
    await page.getByText('No secrets yet').waitFor(WAIT)
  })

  it('every missing field of a host is named at once, beside the field until it is filled in', async () => {
    await open('/hosts/add')
    await page.getByRole('button', { name: 'Fetch host key' }).click()
    const faults = page.locator('.mantine-InputWrapper-error')
    await faults.first().waitFor(WAIT)
    const name = page.getByLabel('Name')
    expect(await faults.allTextContents()).toEqual(expect.arrayContaining(['is needed']))
    expect(await faults.count()).toBeGreaterThanOrEqual(3)
    expect(await page.getByText(/Too small|expected string|>=/).count()).toBe(0)
    expect(await name.getAttribute('aria-invalid')).toBe('true')
    await name.fill('web-9')
    await expect.poll(() => name.getAttribute('aria-invalid'), WAIT).not.toBe('true')
    expect(await faults.count()).toBeGreaterThanOrEqual(2)
  })

  it('an error beside a field disappears once the field is corrected', async () => {
    await open('/files/new')
    await page.getByRole('button', { name: 'Send' }).click()
    await page.getByText('is required').waitFor(WAIT)
    await page
      .locator('input[type=file]')
      .setInputFiles({ name: 'a', mimeType: 'text/plain', buffer: Buffer.from('a') })
    await page.getByText('is required').waitFor({ state: 'detached', ...WAIT })
    await open('/keys')
    await page.getByRole('button', { name: 'Create key' }).click()
    const name = page.getByLabel('Name')
    await expect.poll(() => name.getAttribute('aria-invalid'), WAIT).toBe('true')
    expect(await page.getByText(/Too small/).count()).toBe(0)
    await name.fill('a-key')
    await expect.poll(() => name.getAttribute('aria-invalid'), WAIT).not.toBe('true')
    // A plan by the clock that was refused, and then was right, leaves no fault beside what it says then.
    await open('/run?hosts=web-1')
    await page.getByLabel('Program and arguments').last().fill('uptime')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.locator('label:has-text("Name") ~ div input').last().fill('often')
    await page.getByLabel('Schedule (cron').fill('never ever')
    await page.getByRole('button', { name: 'Save' }).click()
    const cron = page.getByLabel('Schedule (cron')
    await expect.poll(() => cron.getAttribute('aria-invalid'), WAIT).toBe('true')
    await cron.fill('0 5 * * *')
    await expect.poll(() => cron.getAttribute('aria-invalid'), WAIT).not.toBe('true')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Saved as often').waitFor(WAIT)
    expect(
      await page
        .getByRole('alert')
        .filter({ hasText: /cron|never ever/ })
        .count(),
    ).toBe(0)
  })

  it('each page has its own title, and keyboard navigation starts at its heading', async () => {
    await open('/')
    await expect.poll(() => page.title(), WAIT).toBe('Fleet · Rollcall')
    await page.getByRole('link', { name: 'Schedules', exact: true }).click()
    await expect.poll(() => page.title(), WAIT).toBe('Schedules · Rollcall')
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('main')
    await open('/hosts/web-1')
    await expect.poll(() => page.title(), WAIT).toBe('web-1 · Rollcall')
    await open('/commands/nope')
    await expect.poll(() => page.title(), WAIT).toBe('Not found · Rollcall')
  })

  it('hosts added together show the result of each, and are recognised when pasted again', async () => {
    const pasted = '127.0.0.1:2 one\n127.0.0.1:3 two\n192.0.2.77 db-1'
    const paste = async () => {
      await open('/hosts/add')
      await page.getByRole('tab', { name: 'Multiple hosts' }).click()
      await page.getByLabel('Hosts', { exact: true }).fill(pasted)
    }
    await paste()
    await page.locator('[data-in-fleet=db-1]').waitFor(WAIT)
    expect(await page.getByRole('checkbox', { name: 'db-1' }).isDisabled()).toBe(true)
    await page.locator('.mantine-SegmentedControl-label', { hasText: /^Password$/ }).click()
    await page.getByRole('textbox', { name: 'Password', exact: true }).fill('not-the-one')
    for (const name of ['one', 'two']) await page.getByRole('checkbox', { name }).check()
    await page.getByRole('button', { name: 'Add 2 hosts' }).click()
    for (const name of ['one', 'two'])
      await page.locator(`[data-in-fleet=${name}] [data-state=install_failed]`).waitFor(WAIT)
    await paste()
    await page.locator('[data-in-fleet=one] [data-state=install_failed]').waitFor(WAIT)
    expect(await page.getByRole('button', { name: /Add 0 hosts/ }).isDisabled()).toBe(true)
  })

  it('values of a host that does not answer are not shown as current', async () => {
    await using data = await ServerData.open(server)
    const gone = makeAgents(4)
      .slice(3)
      .map((agent) => ({ ...agent, name: 'silent' }))
    await data.seed(gone, { state: 'offline', at: new Date(Date.now() - 3_600_000) })
    await open('/?search=silent')
    await page.locator('[data-host=silent] .stale').first().waitFor(WAIT)
    expect(await page.locator('[data-host=silent] .stale').first().getAttribute('title')).toMatch(
      /not responding|never responded/,
    )
    await open('/hosts/silent')
    await page.getByRole('heading', { name: 'Last known' }).waitFor(WAIT)
    expect(await page.getByRole('heading', { name: 'Current values', exact: true }).count()).toBe(0)
  })

  it('digits alone have a fixed width, so that a hyphen stays narrow', async () => {
    await open('/')
    await page.locator('[data-host=web-1]').waitFor(WAIT)
    const variant = (selector: string) =>
      page
        .locator(selector)
        .first()
        .evaluate((element) => getComputedStyle(element).fontVariantNumeric)
    expect(await variant('h1')).toBe('normal')
    expect(await variant('[data-host=web-1] a')).toBe('normal')
    expect(await variant('.stat b')).toBe('tabular-nums')
  })

  it('the admin who has just set up the server is shown as signed in', async () => {
    await open('/users')
    const row = page.locator('tr', { hasText: 'ada@example.com' })
    await row.waitFor(WAIT)
    expect(await row.locator('time').count()).toBe(1)
  })

  describe('a host whose installation failed', () => {
    beforeAll(async () => {
      // Nobody answers there.
      const credential = { type: 'password' as const, password: 'the stored one' }
      const added = await api.addHost({ name: 'lost', address: '127.0.0.1', port: 1, credential })
      expect(added.state).toBe('failed')
    })

    const dialog = () => page.getByRole('dialog')
    const field = (label: string) => dialog().getByLabel(label, { exact: true })
    const passwordBox = () => dialog().getByRole('textbox', { name: 'Password', exact: true })
    const openDialog = async () => {
      await page.goto(`${server.url}/hosts/lost`)
      await page.getByRole('button', { name: 'Edit', exact: true }).click()
      await field('Address').waitFor(WAIT)
    }
    const save = () => dialog().getByRole('button', { name: 'Test and save' })

    it('a host whose installation failed is edited on its page, and a wrong value is refused without any change', async () => {
      await openDialog()
      expect(await save().isDisabled()).toBe(true)
      await field('SSH port').fill('2')
      await save().click()
      const alert = dialog().getByRole('alert')
      await alert.waitFor(WAIT)
      expect(await alert.textContent()).toContain('must be set again')
      await dialog().getByText('Password', { exact: true }).click()
      await passwordBox().fill('a new secret')
      await save().click()
      await dialog().getByText('lost was not changed.', { exact: false }).waitFor(WAIT)
      await dialog().getByText('127.0.0.1:2', { exact: false }).waitFor(WAIT)
      expect((await api.host('lost')).port).toBe(1)
    })

    it('a host whose installation failed can be edited without a check, and retried on its page', async () => {
      await dialog().getByLabel('Save without testing', { exact: false }).check()
      await save().click()
      await dialog().waitFor({ ...WAIT, state: 'hidden' })
      expect(await api.host('lost')).toMatchObject({ port: 2, state: 'install_failed' })
      await openDialog()
      expect(await field('SSH port').inputValue()).toBe('2')
      await dialog().getByText('Password', { exact: true }).click()
      expect(await passwordBox().inputValue()).toBe('')
      await page.keyboard.press('Escape')
      await page.getByRole('button', { name: 'Reinstall' }).click()
      await dialog().getByRole('button', { name: 'Reinstall' }).click()
      await page.waitForURL(/\/commands\//, WAIT)
    })
  })

  it.each([
    ['/', 'light'],
    ['/audit', 'light'],
    ['/audit', 'dark'],
    ['/users', 'light'],
    ['/keys', 'light'],
    ['/schedules', 'light'],
    ['/services', 'dark'],
    ['/services/plan?from=example', 'light'],
    ['/images', 'light'],
    ['/secrets', 'light'],
    ['/settings', 'light'],
    ['/hosts/web-1', 'light'],
    ['/runs', 'light'],
    ['/upgrades', 'light'],
    ['/account', 'dark'],
    ['/nowhere', 'light'],
  ] as const)(
    'the page %s in %s has no accessibility violation, not even a minor one',
    async (path, colorScheme) => {
      // Something refused, for the log to show.
      expect((await api.request('POST', '/api/runs', { hosts: ['nobody'], program: 'true' })).status).toBe(
        404,
      )
      await page.emulateMedia({ colorScheme })
      await page.setViewportSize({ width: 900, height: 600 })
      await open(path)
      await page.getByRole('heading', { level: 1 }).first().waitFor(WAIT)
      await page.waitForLoadState('networkidle')
      expect(await findViolations(page)).toEqual([])
      await page.setViewportSize(DESK.viewport)
    },
  )

  it('no page of the forms reported an error in its console', () => {
    expect(complaints).toEqual([])
  })
})
