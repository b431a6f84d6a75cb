// What a browser loads before the first page shows, compressed, has a bound: a page that is slow to open is not used.
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const LIMIT_KB = 250
const dist = fileURLToPath(new URL('../web/dist/', import.meta.url))
const page = await readFile(`${dist}index.html`, 'utf8')
const files = new Set(Array.from(page.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g), ([, file]) => file))
if (files.size === 0) throw new Error(`${dist}index.html names no file that it needs`)
let bytes = 0
for (const file of files) bytes += gzipSync(await readFile(dist + file)).length
const kb = Math.round(bytes / 1024)
console.log(`web: ${kb} KB gzip before the first page, in ${files.size} files`)
if (kb > LIMIT_KB) {
  console.error(`\u2716 more than ${LIMIT_KB} KB: load heavy parts with the page that needs them`)
  process.exitCode = 1
}
