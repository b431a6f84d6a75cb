import type { Page } from 'playwright-core'

export const VIEWPORT = { width: 1280, height: 800 }

/** Items to find on the screen: those whose middle lies within the visible part of `box`. */
export interface SoughtItems {
  box: string
  item: string
}

/**
 * Runs in the page. Notes after each frame what can be seen, each with the time at which it was seen first: a row by its
 * host and state, a line by its words. What stands in the page but outside of what is scrolled to is not seen.
 */
export function noteWhatIsSeen({ box, item }: SoughtItems): void {
  const seen: Record<string, number> = {}
  Object.assign(window, { seen })
  const observe = () => {
    const at = Date.now()
    const frame = document.querySelector(box)?.getBoundingClientRect()
    for (const element of frame ? document.querySelectorAll(item) : []) {
      const { top, bottom } = element.getBoundingClientRect()
      const middle = (top + bottom) / 2
      if (!frame || middle < frame.top || middle > frame.bottom) continue
      const host = element.getAttribute('data-host')
      const state = element.querySelector('[data-state]')?.getAttribute('data-state')
      const words = host === null ? element.textContent : `${host} ${state}`
      if (words) seen[words] ??= at
    }
    requestAnimationFrame(() => setTimeout(observe))
  }
  observe()
}

/** By their words, when they were seen first, in milliseconds by this machine's clock. */
export const whatWasSeen = (page: Page): Promise<Record<string, number>> =>
  page.evaluate(() => (window as unknown as { seen: Record<string, number> }).seen)

/**
 * Runs in the page: tells, as `firstRows`, the milliseconds since the navigation when rows are shown and the browser has
 * nothing more to do. The page tells by itself: a locator that waits is a script of its own, and would be measured too.
 */
export function noteFirstRows(): void {
  const { firstRows } = window as unknown as { firstRows(atMs: number): Promise<void> }
  const observer = new MutationObserver(() => {
    if (document.querySelectorAll('[data-host]').length < 10) return
    observer.disconnect()
    requestIdleCallback(() => void firstRows(performance.now()))
  })
  observer.observe(document, { childList: true, subtree: true })
}

/** Runs in the page: notes the milliseconds between one frame and the next, from now on. */
export function noteFrames(): void {
  const frames: number[] = []
  let last: number | undefined
  const note = (now: number) => {
    if (last !== undefined) frames.push(now - last)
    last = now
    requestAnimationFrame(note)
  }
  requestAnimationFrame(note)
  Object.assign(window, { frames })
}

export const toFrames = (page: Page): Promise<number[]> =>
  page.evaluate(() => (window as unknown as { frames: number[] }).frames)
