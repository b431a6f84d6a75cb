import { setTimeout as delay } from 'node:timers/promises'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { poll } from '../bed/poll.ts'
import { becomeAdmin } from '../browser/sign-in.ts'
import { SimulatedSetting } from '../load/simulated-setting.ts'
import type { Behaviour } from '../load/simulator/behaviour.ts'
import type { BenchOptions, Figure } from './figure.ts'
import { settle } from './heartbeat-window.ts'
import { programCpuMs } from './process-cost.ts'
import { percentile } from './statistics.ts'
import { noteFirstRows, noteFrames, noteWhatIsSeen, toFrames, VIEWPORT, whatWasSeen } from './ui-page.ts'

const AGENTS = 10_000
/** A server that has never called its agents opens ten thousand connections first. */
const SETTLING_S = 15
const LOADS = { long: 9, short: 5 }
/** Turns of the wheel: nine of three rows, then one of ninety. */
const SCROLLS = { long: 400, short: 150 }
const TURN_PX = { small: 120, large: 4000 }
/** How often the hosts on the screen fall ill; they recover in between. */
const ILLNESSES = { long: 2, short: 1 }
/** Every agent is called within a minute, and one that fails is called again; two such rounds are enough. */
const STATE_TIMEOUT_MS = 150_000
const ROWS_TIMEOUT_MS = 10_000
/** A browser is at rest that uses less than a twentieth of a core. */
const REST = { everyMs: 400, usedMs: 20, timeoutMs: 20_000 }
const ILL: Behaviour = { fault: 'status_404' }
/** Neither busy nor full, which would be another state than online. */
const WELL: Behaviour = { cpuPercent: 20, memoryPercent: 40 }
const ROWS = { box: '[data-testid=fleet]', item: '[data-host]' }

type Log = (line: string) => void
const figure = (name: string, unit: string, value: number, atMost: number, n: number): Figure => ({
  name: `ui.${name}`,
  value,
  unit,
  target: { atMost },
  peer: null,
  peerValue: null,
  n,
})

/** The fleet page with ten thousand hosts that are called all the while. */
export async function manyHosts(browser: Browser, log: Log, { isShort }: BenchOptions): Promise<Figure[]> {
  const rounds = isShort ? 'short' : 'long'
  await using setting = await SimulatedSetting.open({ agents: AGENTS, log })
  await using context = await browser.newContext({ viewport: VIEWPORT })
  const page = await context.newPage()
  await becomeAdmin(setting.server, page)
  await poll(async () => (await setting.simulator.records()).counts('heartbeat').size === AGENTS, {
    timeoutMs: STATE_TIMEOUT_MS,
    everyMs: 1000,
    what: 'every host to be called once',
  })
  await settle(setting, SETTLING_S, log)
  // A fleet that is looked at elsewhere would be part of what is measured.
  await page.goto('about:blank')
  const loads: number[] = []
  for (let load = 0; load < LOADS[rounds]; load++)
    loads.push(await interactiveMs(browser, context, setting.server.url))
  log(`interactive after ${loads.map((ms) => ms.toFixed(0)).join(', ')} ms`)
  const frames = await scrollFrames(setting, page, SCROLLS[rounds])
  log(`${frames.length} frames while scrolling, p99 ${percentile(frames, 0.99).toFixed(0)} ms`)
  const changes = await stateChanges(setting, page, ILLNESSES[rounds])
  log(`${changes.length} changes of state seen, p50 ${percentile(changes, 0.5).toFixed(0)} ms`)
  return [
    figure('fleet_10k.interactive_s', 's', percentile(loads, 0.5) / 1000, 1.5, loads.length),
    figure('fleet_10k.worst_frame_ms', 'ms', Math.max(...frames), 200, frames.length),
    figure('state_change_ms.p95', 'ms', percentile(changes, 0.95), 300, changes.length),
  ]
}

/** From the beginning of a navigation with an empty cache until the rows are there and the main thread is free. */
async function interactiveMs(browser: Browser, signedIn: BrowserContext, url: string): Promise<number> {
  await using context = await browser.newContext({
    viewport: VIEWPORT,
    storageState: await signedIn.storageState(),
  })
  const firstRows = Promise.withResolvers<number>()
  await context.exposeFunction('firstRows', firstRows.resolve)
  await context.addInitScript(noteFirstRows)
  const page = await context.newPage()
  await page.goto(`${url}/icon.svg`)
  await browserAtRest()
  await page.goto(url)
  const idleMs = await Promise.race([firstRows.promise, late()])
  const total = (await page.getByRole('grid').getAttribute('aria-rowcount')) ?? ''
  const first = await page.locator('[data-host]').first().getAttribute('data-host')
  // The heading of the table is a row as well.
  if (Number(total) !== AGENTS + 1 || first !== 'sim-00001')
    throw new Error(`the page shows ${total} rows from ${first} on, and not ${AGENTS} hosts`)
  return idleMs
}

async function late(): Promise<never> {
  await delay(ROWS_TIMEOUT_MS, undefined, { ref: false })
  throw new Error(`no rows within ${ROWS_TIMEOUT_MS} ms`)
}

/** A new profile has Chromium load pages of its own for some seconds, which nobody who has a browser open waits for. */
async function browserAtRest(): Promise<void> {
  let before = await programCpuMs('chromium')
  const isAtRest = async () => {
    const now = await programCpuMs('chromium')
    const used = now - before
    before = now
    return used <= REST.usedMs
  }
  await delay(REST.everyMs)
  await poll(isAtRest, {
    timeoutMs: REST.timeoutMs,
    everyMs: REST.everyMs,
    what: 'the browser to be at rest',
  })
}

/** Milliseconds between one frame and the next while the wheel is turned, down the list in jumps and in small steps. */
async function scrollFrames({ server }: SimulatedSetting, page: Page, turns: number): Promise<number[]> {
  await page.goto(server.url)
  await page.locator('[data-host]').first().waitFor()
  await page.getByTestId('fleet').hover()
  await page.evaluate(noteFrames)
  for (let turn = 1; turn <= turns; turn++)
    await page.mouse.wheel(0, turn % 10 === 0 ? TURN_PX.large : TURN_PX.small)
  const frames = await toFrames(page)
  await checkRows(page, turns)
  return frames
}

/** Checks that the rows that were scrolled to are there, and the right ones. */
async function checkRows(page: Page, turns: number): Promise<void> {
  const rowsShown = page.locator('[data-host]')
  const deadline = Date.now() + ROWS_TIMEOUT_MS
  for (;;) {
    const top = await page.getByTestId('fleet').evaluate((box) => box.scrollTop)
    const wanted = (turns / 10) * (9 * TURN_PX.small + TURN_PX.large)
    const rows = await rowsShown.evaluateAll((all) =>
      all.map((row) => ({
        at: Number(row.getAttribute('aria-rowindex')),
        host: row.getAttribute('data-host'),
      })),
    )
    const empty = await page.locator('[role=row].grid-row:not([data-host]):not(.grid-head)').count()
    const wrong = rows.find(({ at, host }) => host !== `sim-${String(at - 1).padStart(5, '0')}`)
    if (wrong) throw new Error(`row ${wrong.at} shows ${wrong.host}`)
    if (Math.abs(top - wanted) < 2 && rows.length >= 10 && empty === 0) return
    if (Date.now() > deadline)
      throw new Error(
        `scrolled to ${top} of ${wanted} px, ${rows.length} rows are shown and ${empty} are empty`,
      )
    await delay(50)
  }
}

/** From the moment that the server's history has until the row on the screen says the same, of each row that is seen. */
async function stateChanges(setting: SimulatedSetting, page: Page, illnesses: number): Promise<number[]> {
  const { simulator, server } = setting
  await page.addInitScript(noteWhatIsSeen, ROWS)
  await page.goto(server.url)
  await page.locator('[data-host] [data-state=online]').first().waitFor()
  const delays: number[] = []
  for (let illness = 0; illness < illnesses; illness++) {
    const rows = Object.keys(await whatWasSeen(page)).map((words) => words.split(' '))
    const hosts = rows.flatMap(([name, state]) => (name !== undefined && state === 'online' ? [name] : []))
    const indexes = hosts.map((name) => simulator.agents.findIndex((agent) => agent.name === name))
    for (const behaviour of [ILL, WELL]) {
      // What was seen before says nothing of what comes.
      await page.evaluate(() => {
        const { seen } = window as unknown as { seen: Record<string, number> }
        for (const words of Object.keys(seen)) delete seen[words]
      })
      await simulator.behave(indexes, behaviour)
      delays.push(...(await delaysOf(setting, page, hosts, behaviour === ILL)))
    }
  }
  return delays
}

async function delaysOf(
  { api }: SimulatedSetting,
  page: Page,
  hosts: string[],
  isIllness: boolean,
): Promise<number[]> {
  const delays: number[] = []
  const beganMs = Date.now()
  for (const host of hosts)
    for (;;) {
      const { state, stateSince } = await api.call('hostStatus', { params: { host } })
      const seen = (await whatWasSeen(page))[`${host} ${state}`]
      const sinceMs = Date.parse(stateSince)
      if ((state !== 'online') === isIllness && sinceMs >= beganMs && seen !== undefined) {
        delays.push(seen - sinceMs)
        break
      }
      if (Date.now() > beganMs + STATE_TIMEOUT_MS)
        throw new Error(`${host} is ${state}, and the page did not say so in time`)
      await delay(250)
    }
  return delays
}
