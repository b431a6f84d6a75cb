import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'
import { installPeer } from '../bench/debian-packages.ts'

/** Chromium without windows, which takes half of a processor's time. `npm test` installs it where the distribution has it. */
const SHELL = '/usr/bin/chromium-headless-shell'
const PROGRAM = '/usr/bin/chromium'
/** A window on a desk. Without a graphics card animations cost more than all else. */
export const DESK = { viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce' } as const
/** It asks nobody but the pages that are opened, and needs neither a graphics card nor a sandbox of its own as root. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
]

/** Debian's browser, which is installed where it is missing. Throws where it cannot be had. */
export async function openBrowser(log: (line: string) => void = console.log): Promise<Browser> {
  const program = existsSync(SHELL) ? SHELL : PROGRAM
  const missing = await installPeer(program, 'chromium', log)
  if (missing) throw new Error(`there is no browser to test with: ${missing}`)
  if (!existsSync('/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc'))
    await installPeer('/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc', 'fonts-noto-cjk', log)
  return chromium.launch({ executablePath: program, args: FLAGS })
}
