import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import express from 'express'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { AddressRanges } from '../platform/network/address-ranges.ts'
import { serveWebUi } from './web-ui.ts'

const SCRIPT = 'console.log("a page")\n'.repeat(100)

let dist: string
let url: string
const http = createServer()

beforeAll(async () => {
  dist = await mkdtemp(join(tmpdir(), 'rollcall-web-'))
  await mkdir(join(dist, 'assets'))
  await writeFile(join(dist, 'index.html'), '<title>Rollcall</title>')
  await writeFile(join(dist, 'assets/base.js'), SCRIPT)
  await writeFile(join(dist, 'assets/base.js.gz'), gzipSync(SCRIPT))
  await writeFile(join(dist, 'assets/fleet-page-A1b_-2.js'), SCRIPT)
  await writeFile(join(dist, 'assets/files-page-A1.js'), SCRIPT)
  const app = express()
  serveWebUi(app, { publicUrl: undefined, trustedProxies: new AddressRanges([]) }, dist)
  app.use((_request, response) => void response.status(404).json({ from: 'the API' }))
  http.on('request', app).listen(0, '127.0.0.1')
  await once(http, 'listening')
  url = `http://127.0.0.1:${(http.address() as { port: number }).port}`
})
afterAll(async () => {
  http.close()
  await rm(dist, { recursive: true, force: true })
})

it('scripts are served compressed where accepted, and cached forever since their names change', async () => {
  const zipped = await fetch(`${url}/assets/base.js`, { headers: { 'accept-encoding': 'gzip' } })
  expect(Object.fromEntries(zipped.headers)).toMatchObject({
    'content-encoding': 'gzip',
    'content-type': expect.stringContaining('javascript'),
    'cache-control': expect.stringContaining('immutable'),
  })
  expect(Number(zipped.headers.get('content-length'))).toBeLessThan(SCRIPT.length / 5)
  expect(await zipped.text()).toBe(SCRIPT)
  const plain = await fetch(`${url}/assets/base.js`, { headers: { 'accept-encoding': 'identity' } })
  expect(plain.headers.get('content-encoding')).toBeNull()
  expect(await plain.text()).toBe(SCRIPT)
})

it('every page is the one document, and other paths are answered by the API', async () => {
  const page = await fetch(`${url}/hosts/web-1`, { headers: { accept: 'text/html' } })
  expect([page.status, await page.text(), page.headers.get('cache-control')]).toEqual([
    200,
    '<title>Rollcall</title>',
    'no-store',
  ])
  expect((await fetch(`${url}/assets/gone.js`)).status).toBe(404)
  expect(await (await fetch(`${url}/api/nothing`, { headers: { accept: 'text/html' } })).json()).toEqual({
    from: 'the API',
  })
})

it('the fleet page preloads its data for a signed-in user only', async () => {
  const linkOf = async (path: string, cookie = '') =>
    (await fetch(url + path, { headers: { accept: 'text/html', cookie } })).headers.get('link')
  const session = `rollcall_session=${'x'.repeat(43)}`
  expect(await linkOf('/', session)).toBe(
    '</assets/fleet-page-A1b_-2.js>; rel=modulepreload, </api/agents?limit=100&offset=0>; rel=preload; as=fetch; crossorigin=anonymous',
  )
  for (const [path, cookie] of [
    ['/', ''],
    ['/hosts/web-1', session],
    ['/?search=x', session],
  ] as const)
    expect(await linkOf(path, cookie)).toBeNull()
})
