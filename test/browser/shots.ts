import type { Page } from 'playwright-core'
import type { Ids } from './showcase.ts'
import { PROMPT } from './sign-in.ts'

export const SIZES = {
  phone: { width: 390, height: 844 },
  desk: { width: 1280, height: 800 },
  wide: { width: 2560, height: 1300 },
} as const
type Size = keyof typeof SIZES
type Scheme = 'light' | 'dark'

interface Place {
  name: string
  path: string
  /** Waits, or clicks, until the page is as it should be seen. */
  ready(page: Page): Promise<unknown>
  /** Further looks besides 1280 px and light colours. */
  also?: readonly { size: Size; scheme: Scheme }[]
}

export interface Shot {
  file: string
  path: string
  size: Size
  scheme: Scheme
  ready(page: Page): Promise<unknown>
}

const row = (page: Page) => page.getByText('web-01').first().waitFor()
const still = async (page: Page) => {
  await page.waitForLoadState('networkidle')
  const loading = page.getByRole('status', { name: 'Loading' })
  for (const sign of await loading.all()) await sign.waitFor({ state: 'detached' })
}
const tab = (name: string) => async (page: Page) => {
  await page.getByRole('tab', { name }).click()
  await still(page)
}

export const placesOf = ({ run, command, install, playbookRun, transfer, upgrade, plan }: Ids): Place[] => [
  {
    name: 'fleet',
    path: '/',
    ready: row,
    also: [
      { size: 'desk', scheme: 'dark' },
      { size: 'phone', scheme: 'light' },
    ],
  },
  { name: 'add-host', path: '/hosts/add', ready: still },
  { name: 'add-many', path: '/hosts/add', ready: pasteInventory },
  { name: 'install', path: `/commands/${install}`, ready: still },
  {
    name: 'host',
    path: '/hosts/web-01',
    ready: (page) => page.locator('.u-over').first().waitFor(),
    also: [{ size: 'desk', scheme: 'dark' }],
  },
  { name: 'host-timeline', path: '/hosts/edge-07', ready: tab('Timeline') },
  { name: 'host-trust', path: '/hosts/web-01', ready: tab('Trust') },
  { name: 'run', path: '/run', ready: fillRun },
  { name: 'runs', path: '/runs', ready: still },
  { name: 'run-output', path: `/runs/${run}`, ready: tab('Grouped by output') },
  { name: 'commands', path: '/commands', ready: still },
  {
    name: 'output',
    path: `/commands/${command}`,
    ready: (page) => page.getByText('Done').first().waitFor(),
    also: [{ size: 'desk', scheme: 'dark' }],
  },
  {
    name: 'terminal',
    path: '/terminals?host=web-01',
    ready: useTerminal,
    also: [{ size: 'desk', scheme: 'dark' }],
  },
  { name: 'playbooks', path: '/playbooks', ready: still },
  { name: 'playbook', path: '/playbooks/deploy_container', ready: still },
  { name: 'playbook-run', path: `/runs/${playbookRun}`, ready: still },
  { name: 'files', path: '/files', ready: still },
  { name: 'send-file', path: '/files/new', ready: still },
  { name: 'file', path: `/files/${transfer}`, ready: still },
  { name: 'upgrades', path: '/upgrades', ready: still },
  { name: 'new-upgrade', path: '/upgrades/new', ready: still },
  { name: 'upgrade', path: `/upgrades/${upgrade}`, ready: still },
  { name: 'services', path: '/services', ready: still },
  {
    name: 'service',
    path: '/services/shop/web',
    ready: still,
    also: [{ size: 'desk', scheme: 'dark' }],
  },
  { name: 'service-placement', path: '/services/shop/web?tab=placement&slot=2', ready: judgeHost },
  { name: 'service-revisions', path: '/services/shop/web?tab=revisions', ready: still },
  { name: 'service-logs', path: '/services/shop/web?tab=logs', ready: readLogs },
  { name: 'service-plan', path: `/services/plan?from=${plan}`, ready: planAgain },
  { name: 'plan-services', path: '/services/plan?from=example', ready: planWrong },
  { name: 'images', path: '/images', ready: still },
  { name: 'secrets', path: '/secrets', ready: still },
  { name: 'schedules', path: '/schedules', ready: still },
  { name: 'audit', path: '/audit', ready: still },
  { name: 'users', path: '/users', ready: still },
  { name: 'keys', path: '/keys', ready: still },
  { name: 'account', path: '/account', ready: still },
  { name: 'settings', path: '/settings', ready: still },
  { name: 'palette', path: '/', ready: openPalette },
]

const EVERY_LOOK = (Object.keys(SIZES) as Size[]).flatMap((size) =>
  (['light', 'dark'] as const).map((scheme) => ({ size, scheme })),
)

/** The pictures of the guides; or, to be looked at, all pages in all sizes and both colour schemes. */
export const shotsOf = (ids: Ids, isEveryLook: boolean): Shot[] =>
  placesOf(ids).flatMap(({ name, path, ready, also = [] }) =>
    (isEveryLook ? EVERY_LOOK : [{ size: 'desk', scheme: 'light' } as const, ...also]).map((view) => ({
      path,
      ready,
      ...view,
      file: `${[name, view.size !== 'desk' && view.size, view.scheme === 'dark' && 'dark'].filter(Boolean).join('-')}.png`,
    })),
  )

const INVENTORY = `[web]
web-03 ansible_host=192.0.2.13
web-04 ansible_host=192.0.2.14 ansible_port=2222
[db]
db-02 ansible_host=192.0.2.21 ansible_user=admin
`

async function pasteInventory(page: Page): Promise<void> {
  await page.getByRole('tab', { name: 'Multiple hosts' }).click()
  await page.getByRole('textbox', { name: 'Hosts' }).fill(INVENTORY)
  await page.getByText('db-02').last().waitFor()
  await page.evaluate(() => sessionStorage.clear())
}

/** Types a key that is refused: the editor says why. */
async function planWrong(page: Page): Promise<void> {
  const editor = page.getByRole('textbox', { name: 'Compose file' })
  await editor.press('Control+End')
  await editor.pressSequentially('    build: .')
  await page.getByText('Line 10').waitFor()
  await page.evaluate(() => sessionStorage.clear())
}

/** Asks how another host would do: it lacks the label. */
async function judgeHost(page: Page): Promise<void> {
  await page.getByRole('textbox', { name: 'Judge another host' }).fill('db-01')
  await page.getByRole('button', { name: 'Judge' }).click()
  await page.getByRole('heading', { name: /^db-01: / }).waitFor()
}

/** Waits until there are lines of every instance. */
async function readLogs(page: Page): Promise<void> {
  const lines = page.getByRole('log').locator('[data-slot]')
  for (const slot of [1, 2, 3, 4])
    await lines
      .and(page.locator(`[data-slot="${slot}"]`))
      .first()
      .waitFor()
}

/** Asks for fewer instances in a changed environment: the plan says what that comes to. */
async function planAgain(page: Page): Promise<void> {
  const editor = page.getByRole('textbox', { name: 'Compose file' })
  const text = await editor.inputValue()
  await editor.fill(text.replace('LOG_LEVEL: info', 'LOG_LEVEL: debug').replace('replicas: 4', 'replicas: 3'))
  await page.getByRole('button', { name: 'Plan', exact: true }).click()
  await page.getByRole('heading', { name: /^shop: / }).scrollIntoViewIfNeeded()
  await page.evaluate(() => sessionStorage.clear())
}

async function fillRun(page: Page): Promise<void> {
  await page.getByText('Labels', { exact: true }).click()
  await page.getByRole('textbox', { name: 'Label selector' }).fill('env=prod')
  await page.getByRole('textbox', { name: 'Program and arguments' }).fill('systemctl status ssh')
  await page.getByText('web-02').first().waitFor()
  await page.evaluate(() => sessionStorage.clear())
}

async function useTerminal(page: Page): Promise<void> {
  const screen = page.getByTestId('terminal').locator('.xterm-rows')
  await screen.getByText(PROMPT).first().waitFor()
  await page.keyboard.type('cat /etc/os-release | head -4; uptime\n')
  await screen.getByText('load average').first().waitFor()
}

async function openPalette(page: Page): Promise<void> {
  await row(page)
  await page.keyboard.press('Control+k')
  await page.getByPlaceholder('Go to').waitFor()
  await page.keyboard.type('web')
  await page.getByRole('dialog').getByText('web-02').waitFor()
}
