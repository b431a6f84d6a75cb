import { openBrowser } from '../browser/chromium.ts'
import type { Benchmark } from './figure.ts'
import { manyHosts } from './ui-fleet.ts'
import { busyLog } from './ui-log.ts'

export const ui: Benchmark = {
  summary:
    'the fleet page with 10,000 hosts, changes and lines until they are on the screen, and what viewers cost',
  async run(log, options) {
    await using browser = await openBrowser(log)
    return [...(await manyHosts(browser, log, options)), ...(await busyLog(browser, log, options))]
  },
}
