import { errors, type Page } from 'playwright-core'

const SETTLED_MS = 15_000

/** Returns by how many pixels a page is wider than its window once it has settled, 0 if it fits. */
export async function overhangOf(page: Page): Promise<number> {
  // Asked in the page: on a busy machine a question from outside takes as long as the page would have needed to settle.
  await page
    .waitForFunction(() => document.documentElement.scrollWidth <= window.innerWidth, undefined, {
      timeout: SETTLED_MS,
    })
    .catch((error) => {
      if (!(error instanceof errors.TimeoutError)) throw error
    })
  return page.evaluate(() => Math.max(0, document.documentElement.scrollWidth - window.innerWidth))
}
