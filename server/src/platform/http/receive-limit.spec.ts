import { once } from 'node:events'
import { createServer, request as openRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { Request } from 'express'
import { expect, it } from 'vitest'
import { toBytes } from './byte-body.ts'
import { limitReceiving } from './receive-limit.ts'

const LIMIT_MS = 100

/** Sends the first part of a body, and the rest when the limit has passed. Returns what came back. */
async function sendSlowly(type: string): Promise<string> {
  const limit = limitReceiving(LIMIT_MS)
  const server = createServer((request, response) =>
    limit(request, response, async () => {
      const isUpload = request.headers['content-type'] === 'application/octet-stream'
      const body = isUpload ? toBytes(request as Request) : request
      response.end(`received ${await text(body).catch(() => 'nothing')}`)
    }),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const sending = openRequest({ port, method: 'POST', headers: { 'content-type': type } })
  const timer = setTimeout(() => sending.end('second'), 3 * LIMIT_MS)
  try {
    sending.write('first ')
    const [response] = await once(sending, 'response')
    return await text(response)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? ''
  } finally {
    clearTimeout(timer)
    server.closeAllConnections()
    server.close()
  }
}

it('an upload that is let in may take any time, and every other request is broken off after its own', async () => {
  expect(await sendSlowly('application/octet-stream')).toBe('received first second')
  expect(await sendSlowly('application/json')).toBe('ECONNRESET')
})

it('an answer that takes longer than a request may take to arrive is not broken off, whether its request has a body or none', async () => {
  const limit = limitReceiving(LIMIT_MS)
  const server = createServer((request, response) =>
    limit(request, response, () => {
      response.write('first ')
      setTimeout(() => response.end('second'), 3 * LIMIT_MS)
    }),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  try {
    for (const body of [null, 'a body that nobody reads']) {
      const sending = openRequest({ port, method: body === null ? 'GET' : 'POST' })
      sending.end(body ?? undefined)
      const [response] = await once(sending, 'response')
      expect(await text(response).catch(({ code }) => code)).toBe('first second')
    }
  } finally {
    server.closeAllConnections()
    server.close()
  }
})
