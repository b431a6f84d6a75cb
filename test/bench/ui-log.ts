import { setTimeout as delay } from 'node:timers/promises'
import type { Browser, Page } from 'playwright-core'
import type { Host } from '../bed/index.ts'
import { becomeAdmin } from '../browser/sign-in.ts'
import { LiveClient, type LiveOutput } from '../fleet/live-client.ts'
import { BenchFleet } from './bench-fleet.ts'
import type { BenchOptions, Figure } from './figure.ts'
import { cpuMs } from './process-cost.ts'
import { percentile } from './statistics.ts'
import { noteWhatIsSeen, VIEWPORT, whatWasSeen } from './ui-page.ts'

const VIEWERS = 50
const LINES = { long: 200, short: 80 }
/** Windows of watching: so many with one viewer, and as many with fifty, in turns. */
const WINDOWS = { long: 5, short: 4 }
const WINDOW_MS = 8000
const SETTLING_MS = 2000
const OUTPUT = { box: '[data-testid=output]', item: '[data-testid=output] .line' }

type Log = (line: string) => void

/** One real host that writes, watched in a browser and by many. */
export async function busyLog(browser: Browser, log: Log, { isShort }: BenchOptions): Promise<Figure[]> {
  const rounds = isShort ? 'short' : 'long'
  await using fleet = await BenchFleet.open('ui', log)
  const host = await fleet.oneOnline()
  const lines = await lineDelays(fleet, host, browser, LINES[rounds])
  log(`${lines.length} lines seen, p50 ${percentile(lines, 0.5).toFixed(0)} ms`)
  const one: number[] = []
  const many: number[] = []
  for (let window = 0; window < WINDOWS[rounds]; window++) {
    one.push(await viewingCost(fleet, host.name, 1))
    many.push(await viewingCost(fleet, host.name, VIEWERS))
  }
  const costs = [percentile(one, 0.5), percentile(many, 0.5)] as const
  log(
    `a busy log costs ${costs.map((ms) => ms.toFixed(0)).join(' and ')} ms a second with 1 and ${VIEWERS} viewers`,
  )
  return [
    {
      name: 'ui.line_ms.p95',
      value: percentile(lines, 0.95),
      unit: 'ms',
      target: { atMost: 150 },
      peer: null,
      peerValue: null,
      n: lines.length,
    },
    {
      name: 'ui.viewers50.cost_ratio',
      value: costs[1] / costs[0],
      unit: '×',
      target: { atMost: 2 },
      peer: null,
      peerValue: null,
      n: many.length,
    },
  ]
}

/** From the host's clock, which is this machine's, when a line was written until it stands in the page. */
async function lineDelays(fleet: BenchFleet, host: Host, browser: Browser, count: number): Promise<number[]> {
  await using context = await browser.newContext({ viewport: VIEWPORT })
  const page = await context.newPage()
  await becomeAdmin(fleet.server, page)
  await page.addInitScript(noteWhatIsSeen, OUTPUT)
  // Nothing is written before the page is looked at.
  const script = `while [ ! -e /tmp/go ]; do sleep 0.1; done
    i=0; while [ $i -lt ${count} ]; do i=$((i+1)); sleep 0.1; echo "at-$(date +%s%3N)-$i"; done`
  const [command] = await fleet.api.run({ hosts: [host.name], program: 'sh', args: ['-c', script] })
  const id = command?.id ?? ''
  await page.goto(`${fleet.server.url}/commands/${id}`)
  await page.getByTestId('output').waitFor()
  await host.exec(['touch', '/tmp/go'])
  await fleet.api.ended(id, count * 200 + 30_000)
  return await delaysOf(page, (await fleet.api.text(id)).trimEnd().split('\n'), count)
}

async function delaysOf(page: Page, written: string[], count: number): Promise<number[]> {
  const last = written.at(-1) ?? ''
  await page.getByTestId('output').getByText(last, { exact: true }).waitFor()
  await page.waitForFunction((words) => words in (window as unknown as { seen: object }).seen, last)
  const seen = await whatWasSeen(page)
  const delays = written.map((line) => (seen[line] ?? Number.NaN) - Number(line.split('-')[1]))
  const missing = written.filter((line) => seen[line] === undefined)
  const isWhole = written.length === count && written.every((line, i) => line.endsWith(`-${i + 1}`))
  if (!isWhole || missing.length > 0 || Object.keys(seen).length !== count)
    throw new Error(
      `of ${count} lines ${written.length} were stored and ${Object.keys(seen).length} seen; missing: ${missing.join(' ')}`,
    )
  return delays
}

/** Milliseconds of processor time a second that the server uses for a log of 500 lines a second with so many viewers. */
async function viewingCost(fleet: BenchFleet, host: string, viewers: number): Promise<number> {
  const { api, server } = fleet
  const script = `while :; do i=0; while [ $i -lt 50 ]; do i=$((i+1)); echo "${'x'.repeat(100)}"; done; sleep 0.1; done`
  const [command] = await api.run({ hosts: [host], program: 'sh', args: ['-c', script] })
  const id = command?.id ?? ''
  const clients = await Promise.all(Array.from({ length: viewers }, () => LiveClient.open(api)))
  const followed = Promise.all(clients.map((client) => client.follow(id)))
  await delay(SETTLING_MS)
  const before = await cpuMs(server.pid)
  const from = performance.now()
  await delay(WINDOW_MS)
  const used = (await cpuMs(server.pid)) - before
  const seconds = (performance.now() - from) / 1000
  await api.call('cancelCommand', { params: { id } })
  await api.ended(id)
  const stored = await api.text(id)
  for (const outputs of await followed) checkWhole(outputs, stored)
  for (const client of clients) client[Symbol.dispose]()
  return used / seconds
}

/** Throws unless each byte came, once and in order. */
function checkWhole(outputs: readonly LiveOutput[], stored: string): void {
  let end = 0
  for (const { offset, data } of outputs) {
    if (offset !== end) throw new Error(`a viewer was told of byte ${offset} after byte ${end}`)
    end += data.length
  }
  const text = outputs.map(({ data }) => data).join('')
  if (text.length === 0 || text !== stored) throw new Error(`a viewer saw ${end} of ${stored.length} bytes`)
}
