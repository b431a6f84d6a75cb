import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Browser, Page } from 'playwright-core'
import { openBrowser } from './chromium.ts'
import { type Shot, SIZES, shotsOf } from './shots.ts'
import { ADMIN, Showcase } from './showcase.ts'
import { signIn } from './sign-in.ts'

/** All pictures of the repository together. */
const MAX_BYTES = 4 * 1024 ** 2
const IMAGES = fileURLToPath(new URL('../../docs/images/', import.meta.url))
const say = (text: string) => console.log(`\u25b8 ${text}`)

const { values: options } = parseArgs({
  options: {
    /** Another folder than docs/images. */
    out: { type: 'string', default: IMAGES },
    /** Every page in every size and in both colour schemes, to be looked at. */
    all: { type: 'boolean', default: false },
  },
})

async function shoot(browser: Browser, showcase: Showcase, shots: readonly Shot[]): Promise<void> {
  const context = await browser.newContext({ viewport: SIZES.desk, reducedMotion: 'reduce' })
  const page = await context.newPage()
  await signIn(showcase.server, page, ADMIN)
  for (const shot of shots) {
    await take(page, showcase, shot)
    say(shot.file)
  }
  await context.close()
}

async function take(page: Page, { server }: Showcase, shot: Shot): Promise<void> {
  await page.setViewportSize(SIZES[shot.size])
  await page.emulateMedia({ colorScheme: shot.scheme })
  await page.goto(server.url + shot.path)
  await page.getByRole('heading', { level: 1 }).first().waitFor()
  await shot.ready(page)
  // It is drawn once its code is there.
  await page.getByRole('button', { name: 'Account and language' }).waitFor()
  await page.evaluate(() => document.fonts.ready)
  await page.screenshot({ path: join(options.out, shot.file), animations: 'disabled', caret: 'hide' })
}

async function checkSize(): Promise<void> {
  const files = (await readdir(options.out)).map((name) => join(options.out, name))
  const sizes = await Promise.all(files.map(async (path) => (await stat(path)).size))
  const total = sizes.reduce((sum, size) => sum + size, 0)
  say(`${files.length} pictures, ${Math.round(total / 1024)} KB`)
  if (total > MAX_BYTES) throw new Error(`the pictures have ${total} bytes, and may have ${MAX_BYTES}`)
}

await mkdir(options.out, { recursive: true })
await using showcase = await Showcase.open(say)
const browser = await openBrowser(say)
try {
  if (!options.all)
    for (const name of await readdir(options.out))
      if (name.endsWith('.png')) await rm(join(options.out, name))
  await shoot(browser, showcase, shotsOf(showcase.ids, options.all))
} finally {
  await browser.close()
}
if (!options.all) await checkSize()
