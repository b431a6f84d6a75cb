import { createHash } from 'node:crypto'
import type { Role } from '@rollcall/contracts/admin'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Host, whyNoBed } from '../bed/index.ts'
import type { Api } from '../fleet/api.ts'
import { Fleet } from '../fleet/fleet.ts'
import type { ServerProcess } from '../fleet/server-process.ts'
import { DESK, openBrowser } from './chromium.ts'
import { overhangOf } from './overhang.ts'
import { addPerson, becomeAdmin, PASSWORD, PROMPT } from './sign-in.ts'

const noBed = await whyNoBed()
const WAIT = { timeout: 90_000 }
/** Nobody wants to see a page that has to be moved sideways, on a phone or on a wall. */
const WIDTHS = [390, 1280, 2560]
const PAGES = [
  '/',
  '/hosts/web',
  '/hosts/add',
  '/run',
  '/runs',
  '/commands',
  '/schedules',
  '/services',
  '/services/plan',
  '/images',
  '/secrets',
  '/terminals',
  '/playbooks',
  '/playbooks/check_service',
  '/files',
  '/files/new',
  '/upgrades',
  '/upgrades/new',
  '/audit',
  '/users',
  '/keys',
  '/account',
  '/settings',
]

const screenText = (page: Page) => page.getByTestId('terminal').locator('.xterm-rows')

describe.skipIf(noBed)(`people at the web UI ${noBed ?? ''}`, () => {
  const opened = new AsyncDisposableStack()
  let fleet: Fleet
  let web: Host
  let server: ServerProcess
  let api: Api
  let browser: Browser
  let context: BrowserContext
  let page: Page

  beforeAll(async () => {
    const env: Record<string, string> = { web: 'prod', db: 'test' }
    fleet = opened.use(
      await Fleet.open(
        'stories',
        [
          { name: 'web', flavour: 'bookworm' },
          { name: 'db', flavour: 'trixie' },
        ],
        { add: ({ name }) => ({ labels: { env: env[name] ?? '' } }) },
      ),
    )
    ;({ server, api } = fleet)
    ;[web] = fleet.hosts as [Host]
    // What a host reports of itself comes with its heartbeat.
    await api.call('changeHeartbeatProfile', {
      params: { profile: 'default' },
      body: { minMs: 2000, maxMs: 3000 },
    })
    browser = await openBrowser()
    opened.defer(() => browser.close())
    context = await browser.newContext(DESK)
    page = await context.newPage()
    await becomeAdmin(server, page)
  })
  afterAll(() => opened.disposeAsync())

  /** Somebody with a role, signed in with a browser of their own. */
  async function another(name: string, role: Role, scope: string[] | null): Promise<Page> {
    const own = await addPerson({ api, browser, server }, { name, role, scope })
    opened.defer(() => own.close())
    const theirs = await own.newPage()
    await theirs.goto(server.url)
    return theirs
  }

  async function chooseHost(name: string): Promise<void> {
    const box = page.locator('.mantine-TagsInput-inputField')
    await box.fill(name)
    await box.press('Enter')
  }

  it('a streaming log and an open terminal survive a restart, without a lost or doubled byte', async () => {
    const until = 'i=0; until [ -e /tmp/over ]; do i=$((i+1))'
    const script = `${until}; echo "row $i"; sleep 0.05; done; echo "rows: $i"`
    const [command] = await api.run({ hosts: ['web'], program: 'sh', args: ['-c', script] })
    const id = command?.id ?? ''
    const log = await context.newPage()
    await log.goto(`${server.url}/commands/${id}`)
    await log.getByTestId('output').getByText('row 5', { exact: false }).first().waitFor(WAIT)
    await page.goto(`${server.url}/terminals?host=web`)
    await screenText(page).getByText(PROMPT).first().waitFor(WAIT)
    await page.keyboard.type(`${until}; echo tick-$i; sleep 0.05; done; echo all-$((40 + 2)) of $i\n`)
    await screenText(page).getByText('tick-3', { exact: false }).first().waitFor(WAIT)
    await server.restart('SIGKILL')
    // Both went on while no server was there, and end before the eyes of the next one.
    await web.output(['touch', '/tmp/over'])
    await log.getByTestId('output').getByText('rows: ', { exact: false }).first().waitFor(WAIT)
    await screenText(page).getByText('all-42').first().waitFor(WAIT)
    // What the page of the log can be asked for as a whole is what the browser downloads.
    await log.locator('[data-state=success]').first().waitFor(WAIT)
    const download = log.waitForEvent('download')
    await log.getByRole('button', { name: 'Download' }).click()
    const stream = await (await download).createReadStream()
    const whole = createHash('sha256')
    for await (const chunk of stream) whole.update(chunk)
    const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1)
    const rows = Number(/^rows: (\d+)$/m.exec(await api.text(id))?.[1])
    expect(rows).toBeGreaterThan(10)
    const wanted = `${upTo(rows)
      .map((n) => `row ${n}\n`)
      .join('')}rows: ${rows}\n`
    expect(whole.digest('hex')).toBe(createHash('sha256').update(wanted).digest('hex'))
    const { commands } = await api.call('listCommands', { query: { kind: 'terminal', limit: 1 } })
    const text = await api.text(commands[0]?.id ?? '')
    const ticks = [...text.matchAll(/^tick-(\d+)\r?$/gm)].map(([, n]) => Number(n))
    expect(ticks.length).toBeGreaterThan(0)
    expect(ticks).toEqual(upTo(Number(/^all-42 of (\d+)/m.exec(text)?.[1])))
    await log.close()
  })

  it('an editor works in the terminal: vi writes a file', async () => {
    await page.keyboard.type('clear; vi /tmp/from-the-browser\n')
    await screenText(page).getByText('~', { exact: true }).first().waitFor(WAIT)
    await page.keyboard.type('iwritten in a browser')
    await screenText(page).getByText('written in a browser', { exact: false }).first().waitFor(WAIT)
    await page.keyboard.press('Escape')
    await page.keyboard.type(':wq\n')
    // What is typed while the editor is still there belongs to the editor.
    const editors = async () => (await web.exec(['pgrep', '-cx', 'vi|vim|vim.tiny'])).stdout.trim()
    await expect.poll(editors, { timeout: WAIT.timeout, interval: 250 }).toBe('0')
    await page.keyboard.type('echo left-$((1 + 1))\n')
    await screenText(page).getByText('left-2').first().waitFor(WAIT)
    expect((await web.exec(['cat', '/tmp/from-the-browser'])).stdout).toBe('written in a browser')
  })

  it('a file is placed on a host, whole and with its mode', async () => {
    await page.goto(`${server.url}/files/new`)
    await chooseHost('web')
    const content = Buffer.from('placed by a browser\n')
    await page
      .locator('input[type=file]')
      .setInputFiles({ name: 'motd', mimeType: 'text/plain', buffer: content })
    await page.getByRole('button', { name: 'Send' }).click()
    await page.getByText('must start with /').waitFor(WAIT)
    await page.getByLabel('Destination path').fill('/etc/placed')
    await page.getByLabel('Mode').fill('640')
    await page.getByRole('button', { name: 'Send' }).click()
    await page.locator('[data-host=web] [data-state=success]').waitFor(WAIT)
    expect((await web.exec(['cat', '/etc/placed'])).stdout).toBe('placed by a browser')
    expect((await web.exec(['stat', '--format=%s %a', '/etc/placed'])).stdout).toBe('20 640')
  })

  it('a planned playbook shows its result task by task', async () => {
    await page.goto(`${server.url}/playbooks`)
    await page.locator('[data-playbook=check_service] a').click()
    await chooseHost('web')
    await page.getByRole('button', { name: 'Plan changes' }).click()
    await page.getByText('is required').waitFor(WAIT)
    await page.getByLabel('check_service_name').fill('ssh')
    await page.getByRole('button', { name: 'Run now' }).click()
    await page.waitForURL(/\/runs\//, WAIT)
    await page.locator('[data-task=ok]').first().waitFor(WAIT)
    await page.locator('[data-state=success]').first().waitFor(WAIT)
    expect(await page.locator('[data-task=failed]').count()).toBe(0)
  })

  it('an upgrade is shown ring by ring before it starts, and runs to its end', async () => {
    await page.goto(`${server.url}/upgrades`)
    await page.getByRole('link', { name: 'Upgrade agents' }).click()
    await page.getByRole('button', { name: 'Plan upgrade' }).click()
    await page.getByText('Canary: 1 waiting').waitFor(WAIT)
    await page.getByText('Ring 1: 1 waiting').waitFor(WAIT)
    await page.getByRole('button', { name: 'Upgrade to' }).click()
    await page.locator('[data-state=done]').waitFor(WAIT)
    await page.getByText('Canary: 1 upgraded').waitFor(WAIT)
    expect(await page.locator('[data-host] [data-state=upgraded]').count()).toBe(2)
  })

  it('facts that a host reports are shown as text', async () => {
    const name = 'PRETTY_NAME="<img src=x onerror=window.evil=1><script>window.evil=1</script>"'
    await web.output(['sh', '-c', 'rm -f /etc/os-release; echo "$1" > /etc/os-release', 'sh', name])
    await page.goto(`${server.url}/hosts/web`)
    await page.getByText('<img src=x onerror', { exact: false }).first().waitFor(WAIT)
    expect(await page.evaluate(() => 'evil' in window)).toBe(false)
    expect(await page.locator('main img').count()).toBe(0)
  })

  it('a viewer is offered no change, and is refused on a typed address', async () => {
    const theirs = await another('vera', 'viewer', null)
    await theirs.locator('[data-host=web]').waitFor(WAIT)
    for (const name of ['Add hosts', 'Users', 'API keys', 'Audit', 'Terminals', 'Run'])
      expect([name, await theirs.getByRole('link', { name, exact: true }).count()]).toEqual([name, 0])
    await theirs.goto(`${server.url}/hosts/web`)
    await theirs.getByRole('tab', { name: 'Trust' }).waitFor(WAIT)
    for (const name of ['Remove', 'Forget', 'Reinstall', 'Terminal', 'Run a command'])
      expect([name, await theirs.getByRole('button', { name, exact: true }).count()]).toEqual([name, 0])
    await theirs.goto(`${server.url}/users`)
    await theirs.getByText('users:read').first().waitFor(WAIT)
  })

  it('an operator with a label sees and reaches the hosts of that label alone', async () => {
    const theirs = await another('otto', 'operator', ['env=prod'])
    await theirs.locator('[data-host=web]').waitFor(WAIT)
    expect(await theirs.locator('[data-host]').count()).toBe(1)
    await theirs.goto(`${server.url}/hosts/db`)
    await theirs.getByText('There is no host named db').first().waitFor(WAIT)
  })

  it('output of a program is shown as text, and an endless line neither stops nor fills the page', async () => {
    const script = String.raw`printf '\033]0;pwned\007\033]8;;https://evil.example\033\\link\033]8;;\033\\\033]52;c;ZXZpbA==\007\n'
printf '\342\200\256desrever \377\376 <script>window.evil=1</script><img src=x onerror=window.evil=1>\n'
head -c 10000000 /dev/zero | tr '\0' 'x'; echo; echo the-end`
    const [command] = await api.run({ hosts: ['web'], program: 'sh', args: ['-c', script] })
    const id = command?.id ?? ''
    expect((await api.ended(id)).state).toBe('success')
    const seen = await context.newPage()
    await seen.goto(`${server.url}/commands/${id}`)
    const output = seen.getByTestId('output')
    await output.getByText('the-end').first().waitFor(WAIT)
    expect(await output.evaluate((element) => element.textContent?.length ?? 0)).toBeLessThan(200_000)
    await seen.getByRole('button', { name: 'Go to start' }).click()
    await output.getByText('<script>window.evil=1</script>', { exact: false }).first().waitFor(WAIT)
    expect(await output.locator('a, img, script').count()).toBe(0)
    expect(await output.textContent()).not.toContain('\u202e')
    expect(await seen.evaluate(() => 'evil' in window)).toBe(false)
    expect(await seen.title()).toMatch(/^sh -c .* \u00b7 Rollcall$/)
    await seen.close()
  })

  it('a draft is still there after the session has ended and the user has signed in again', async () => {
    const theirs = await another('dora', 'operator', null)
    await theirs.goto(`${server.url}/run?hosts=web`)
    const program = theirs.getByRole('textbox', { name: 'Program and arguments' })
    await program.fill('systemctl status "my unit"')
    await expect.poll(() => theirs.evaluate(() => JSON.stringify(sessionStorage)), WAIT).toContain('my unit')
    await theirs.context().clearCookies()
    await theirs.reload()
    await theirs.waitForURL(/\/sign-in\?next=/, WAIT)
    await theirs.locator('input[name=email]').fill('dora@example.com')
    await theirs.locator('input[name=password]').fill(PASSWORD)
    await theirs.locator('button[type=submit]').click()
    await theirs.waitForURL(/\/run/, WAIT)
    await expect.poll(() => program.inputValue(), WAIT).toBe('systemctl status "my unit"')
  })

  it('the palette, the search and a row of the table can be reached by keys', async () => {
    await page.goto(server.url)
    await page.locator('[data-host=web]').waitFor(WAIT)
    await page.keyboard.press('/')
    await page.keyboard.type('db')
    await expect.poll(() => page.locator('[data-host]').count(), WAIT).toBe(1)
    expect(page.url()).toContain('search=db')
    await page.keyboard.press('Control+k')
    await page.getByRole('dialog').waitFor(WAIT)
    await page.keyboard.type('audit')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { level: 1, name: 'Audit' }).waitFor(WAIT)
  })

  it('a host without an agent has a terminal over SSH, which ends with the server and says so', async () => {
    const { bed, credential } = fleet
    const [bare] = (await bed.boot([{ name: 'bare', flavour: 'no-python' }])) as [Host]
    const refused = await api.addHost({ name: 'bare', address: bare.address, credential })
    expect(refused).toMatchObject({ state: 'failed', reasonCode: 'host.no_python' })
    await page.goto(`${server.url}/terminals?host=bare`)
    await screenText(page).getByText(PROMPT).first().waitFor(WAIT)
    await page.keyboard.type('echo over-ssh-$((40 + 2)) $(hostname) $(tput cols 2>/dev/null || stty size)\n')
    await screenText(page).getByText('over-ssh-42 bare', { exact: false }).first().waitFor(WAIT)
    await page.reload()
    await screenText(page).getByText('over-ssh-42 bare', { exact: false }).first().waitFor(WAIT)
    await page.keyboard.type('echo still-$((1 + 1))\n')
    await screenText(page).getByText('still-2').first().waitFor(WAIT)
    const { commands } = await api.call('listCommands', { query: { kind: 'ssh_terminal', limit: 1 } })
    await server.restart('SIGKILL')
    const ended = await api.ended(commands[0]?.id ?? '')
    expect(ended).toMatchObject({ state: 'lost', reasonCode: 'command.server_ended' })
  })

  it('no page is wider than a phone, a desk or a wall, in light and in dark', async () => {
    const overhangs: unknown[] = []
    for (const path of PAGES) {
      await page.goto(server.url + path)
      await page.getByRole('heading', { level: 1 }).first().waitFor(WAIT)
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme })
        for (const width of WIDTHS) {
          await page.setViewportSize({ width, height: 900 })
          const overhang = await overhangOf(page)
          if (overhang > 0) overhangs.push([path, colorScheme, width, overhang])
        }
      }
    }
    await page.setViewportSize(DESK.viewport)
    expect(overhangs).toEqual([])
  })
})
