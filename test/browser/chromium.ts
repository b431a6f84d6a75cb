import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'
import { installPeer } from '../bench/debian-packages.ts'

const PROGRAM = '/usr/bin/chromium'
/** It asks nobody but the pages that are opened, and needs neither a graphics card nor a sandbox of its own as root. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
]

/** Debian's browser, which is installed where it is missing. */
export async function openBrowser(log: (line: string) => void = console.log): Promise<Browser> {
  const missing = await installPeer(PROGRAM, 'chromium', log)
  if (missing) throw new Error(`there is no browser to test with: ${missing}`)
  if (!existsSync('/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc'))
    await installPeer('/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc', 'fonts-noto-cjk', log)
  return chromium.launch({ executablePath: PROGRAM, args: FLAGS })
}
