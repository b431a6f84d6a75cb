import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Bed, type Host, whyNoBed } from '../bed/index.ts'
import { keyCredential } from '../fleet/credentials.ts'
import { ServerProcess } from '../fleet/server-process.ts'
import { findViolations } from './axe.ts'
import { DESK, openBrowser } from './chromium.ts'
import { overhangOf } from './overhang.ts'
import { PROMPT } from './sign-in.ts'

const noBed = await whyNoBed()
const PASSWORD = 'correct horse battery'
const WAIT = { timeout: 90_000 }

/** The first minutes of a newcomer, in a real browser, with a real server and a real host. */
describe.skipIf(noBed)(`a newcomer ${noBed ?? ''}`, () => {
  let bed: Bed
  let host: Host
  let server: ServerProcess
  let browser: Browser
  let context: BrowserContext
  let page: Page
  const complaints: string[] = []
  const foreign: string[] = []

  beforeAll(async () => {
    bed = await Bed.open({ name: 'newcomer' })
    ;[host] = (await bed.boot([{ name: 'web', flavour: 'bookworm' }])) as [Host]
    server = await ServerProcess.start()
    browser = await openBrowser()
    context = await browser.newContext(DESK)
    page = await context.newPage()
    page.on('pageerror', (error) => complaints.push(String(error)))
    page.on('request', (request) => {
      if (!request.url().startsWith(server.url) && !/^(data|blob):/.test(request.url()))
        foreign.push(request.url())
    })
  })
  afterAll(async () => {
    await browser?.close()
    await server?.[Symbol.asyncDispose]()
    await bed?.close()
  })

  const open = (path: string) => page.goto(server.url + path)
  const outputHas = (text: string) =>
    page.getByTestId('output').getByText(text, { exact: false }).first().waitFor(WAIT)

  it('a newcomer becomes the admin by the printed link, and sees what to do next', async () => {
    const link = (await readFile(join(server.dataDir, 'setup-link'), 'utf8')).trim()
    await open('/')
    await page.getByText('Rollcall is not set up yet').waitFor(WAIT)
    await page.goto(link)
    await page.getByLabel('Name').fill('Ada')
    await page.getByLabel('Email address').fill('ada@example.com')
    await page.locator('input[name=password]').fill(PASSWORD)
    await page.getByRole('button', { name: 'Create administrator' }).click()
    await page.getByText('No hosts yet').waitFor(WAIT)
  })

  it('a newcomer compares the host key, trusts it, and watches the installation', async () => {
    const key = await keyCredential(bed)
    if (key.type !== 'key') throw new Error('a key was expected')
    await page.getByRole('link', { name: 'Add hosts' }).click()
    await page.getByLabel('Name').fill('web')
    await page.getByLabel('Address').fill(host.address)
    await page.getByLabel('Labels').fill('env=prod')
    await page.locator('textarea').first().fill(key.privateKey)
    await page.getByRole('button', { name: 'Fetch host key' }).click()
    await page
      .getByText(/ssh-ed25519 SHA256:|SHA256:/)
      .first()
      .waitFor(WAIT)
    await page.getByRole('button', { name: 'Trust this key' }).click()
    await page.waitForURL(/\/commands\//, WAIT)
    await page.locator('[data-state=success]').first().waitFor({ timeout: 180_000 })
    await open('/')
    await page.locator('[data-host=web] [data-state=online]').waitFor(WAIT)
    // What the server announces ahead of the page is what the page asks for, and nothing else.
    const asked = await page.evaluate(() =>
      performance
        .getEntriesByType('resource')
        .map(({ name }) => new URL(name).pathname + new URL(name).search),
    )
    expect(new Set(asked.filter((url) => url.startsWith('/api/agents?')))).toEqual(
      new Set(['/api/agents?limit=100&offset=0']),
    )
  })

  it('a newcomer runs a command, reloads in the middle, and loses no line', async () => {
    await open('/run?hosts=web')
    await page.getByText('Shell script').click()
    await page
      .getByRole('textbox', { name: 'Shell script' })
      .fill('for i in $(seq 1 60); do echo line-$i; sleep 0.1; done')
    await page.getByRole('button', { name: 'Run', exact: true }).click()
    await page.waitForURL(/\/runs\//, WAIT)
    await page.getByRole('link', { name: 'Open', exact: true }).first().click()
    await outputHas('line-5')
    await page.reload()
    await outputHas('line-60')
    await page.locator('[data-state=success]').first().waitFor(WAIT)
    const { commands } = (await (
      await server.api()
    ).call('listCommands', { query: { kind: 'command', limit: 1 } })) as {
      commands: { id: string; outputBytes: number }[]
    }
    const wanted = Array.from({ length: 60 }, (_, i) => `line-${i + 1}\n`).join('')
    expect(await (await server.api()).text(commands[0]?.id ?? '')).toBe(wanted)
  })

  it('a newcomer opens a terminal, and finds every byte of it after the server was killed', async () => {
    await open('/hosts/web')
    await page.getByRole('link', { name: 'Terminal', exact: true }).click()
    const terminal = page.getByTestId('terminal')
    await terminal.locator('.xterm-rows').getByText(PROMPT).first().waitFor(WAIT)
    await page.keyboard.type(
      'echo $((40 + 2))-here; i=0; until [ -e /tmp/over ]; do i=$((i+1)); echo tick-$i; sleep 0.05; done; echo $((40 + 2))-ticks of $i\n',
    )
    await terminal.getByText('42-here').first().waitFor(WAIT)
    await server.restart('SIGKILL')
    // It went on while no server was there, and ends before the eyes of the next one.
    await host.output(['touch', '/tmp/over'])
    await terminal.getByText('42-ticks of').first().waitFor(WAIT)
    const { commands } = (await (
      await server.api()
    ).call('listCommands', { query: { kind: 'terminal', limit: 1 } })) as {
      commands: { id: string }[]
    }
    const text = await (await server.api()).text(commands[0]?.id ?? '')
    const ticks = [...text.matchAll(/^tick-(\d+)\r?$/gm)].map(([, n]) => Number(n))
    const count = Number(/^42-ticks of (\d+)/m.exec(text)?.[1])
    expect(count).toBeGreaterThan(10)
    expect(ticks).toEqual(Array.from({ length: count }, (_, i) => i + 1))
    await page.reload()
    await terminal.getByText('42-ticks of').first().waitFor(WAIT)
    await page.keyboard.type('echo still-$((1 + 1))\n')
    await terminal.getByText('still-2').first().waitFor(WAIT)
  })

  it('text that a host reports is shown as text: no markup, no title, no script', async () => {
    const api = await server.api()
    const evil =
      "printf '<img src=x onerror=window.evil=1><script>window.evil=1</script>\\033]0;pwned\\007\\033[31mred\\033[0m\\n'"
    const [command] = await api.run({ hosts: ['web'], program: 'sh', args: ['-c', evil] })
    await api.ended(command?.id ?? '')
    await open(`/commands/${command?.id}`)
    await outputHas('<img src=x')
    await outputHas('<script>window.evil=1</script>')
    expect(await page.evaluate(() => 'evil' in window)).toBe(false)
    expect(await page.title()).toMatch(/^sh -c .* \u00b7 Rollcall$/)
    expect(await page.locator('[data-testid=output] img').count()).toBe(0)
  })

  it.each([
    ['/', 'light'],
    ['/hosts/web', 'light'],
    ['/run', 'dark'],
    ['/hosts/add', 'light'],
    ['/commands', 'dark'],
    ['/audit', 'light'],
    ['/users', 'dark'],
    ['/keys', 'light'],
    ['/account', 'light'],
    ['/settings', 'dark'],
    ['/schedules', 'light'],
    ['/runs', 'dark'],
    ['/terminals', 'light'],
    ['/playbooks', 'dark'],
    ['/playbooks/deploy_container', 'light'],
    ['/files/new', 'dark'],
    ['/upgrades/new', 'light'],
  ] as const)(
    'the page %s in %s has no serious accessibility violation, and nothing is cut off on a phone',
    async (path, colorScheme) => {
      await page.emulateMedia({ colorScheme })
      await open(path)
      await page.getByRole('heading', { level: 1 }).first().waitFor(WAIT)
      expect(await findViolations(page, ['serious', 'critical'])).toEqual([])
      await page.setViewportSize({ width: 390, height: 844 })
      expect(await overhangOf(page)).toBe(0)
      await page.setViewportSize(DESK.viewport)
    },
  )

  it('the web UI speaks Chinese when asked to', async () => {
    await open('/')
    await page.getByRole('button', { name: 'Account and language' }).click()
    await page.getByRole('menuitem', { name: '简体中文' }).click()
    await page.getByRole('heading', { name: '主机' }).waitFor(WAIT)
    await page.reload()
    await page.getByRole('heading', { name: '主机' }).waitFor(WAIT)
  })

  it('a newcomer returns to the same page after signing in again', async () => {
    await open('/run')
    await page.locator('input[type=text]').last().waitFor(WAIT)
    await context.clearCookies()
    await page.reload()
    await page.waitForURL(/\/sign-in\?next=/, WAIT)
    await page.locator('input[name=email]').fill('ada@example.com')
    await page.locator('input[name=password]').fill(PASSWORD)
    await page.locator('button[type=submit]').click()
    await page.waitForURL(/\/run/, WAIT)
  })

  it('no page of the newcomer called another host or failed', () => {
    expect(foreign).toEqual([])
    expect(complaints).toEqual([])
  })
})
