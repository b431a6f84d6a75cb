import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { whyNoBed } from '../bed/index.ts'
import type { Api } from '../fleet/api.ts'
import { ServerProcess } from '../fleet/server-process.ts'
import { openBrowser } from './chromium.ts'
import { becomeAdmin } from './sign-in.ts'

const noBed = await whyNoBed()
const WAIT = { timeout: 60_000 }

describe.skipIf(noBed)(`a host whose installation failed ${noBed ?? ''}`, () => {
  const opened = new AsyncDisposableStack()
  let server: ServerProcess
  let api: Api
  let browser: Browser
  let page: Page

  beforeAll(async () => {
    server = opened.use(await ServerProcess.start())
    api = await server.api()
    // Nobody answers there.
    const credential = { type: 'password' as const, password: 'the stored one' }
    const added = await api.addHost({ name: 'lost', address: '127.0.0.1', port: 1, credential })
    expect(added.state).toBe('failed')
    browser = await openBrowser()
    opened.defer(() => browser.close())
    page = await browser.newPage()
    await becomeAdmin(server, page)
  })
  afterAll(() => opened.disposeAsync())

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
