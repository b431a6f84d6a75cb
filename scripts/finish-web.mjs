// After a build of the web UI: what a browser loads before the first page shows, compressed, has a bound, since a page that is slow to
// open is not used; and beside each text lies its compressed form, which the server sends.
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { brotliCompress, gzip } from 'node:zlib'

const LIMIT_KB = 250
const dist = fileURLToPath(new URL('../web/dist/', import.meta.url))
const page = await readFile(`${dist}index.html`, 'utf8')
const first = new Set(Array.from(page.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g), ([, file]) => file))
if (first.size === 0) throw new Error(`${dist}index.html names no file that it needs`)
let bytes = 0
for (const file of await readdir(dist, { recursive: true })) {
  if (!/\.(html|js|css|svg)$/.test(file)) continue
  const content = await readFile(dist + file)
  const [zipped, smaller] = await Promise.all([promisify(gzip)(content), promisify(brotliCompress)(content)])
  await writeFile(`${dist}${file}.gz`, zipped)
  await writeFile(`${dist}${file}.br`, smaller)
  if (first.has(file)) bytes += zipped.length
}
const kb = Math.round(bytes / 1024)
console.log(`web: ${kb} KB gzip before the first page, in ${first.size} files`)
if (kb > LIMIT_KB) {
  console.error(`\u2716 more than ${LIMIT_KB} KB: load heavy parts with the page that needs them`)
  process.exitCode = 1
}
