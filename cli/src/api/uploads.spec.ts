import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { setImmediate } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { createClient } from './client.ts'
import { uploadStream } from './uploads.ts'

it('an upload holds all that a program wrote, even if it ended before the server was found', async () => {
  const server = createServer(async (request, response) => {
    const content = await buffer(request)
    const sha256 = createHash('sha256').update(content).digest('hex')
    response.writeHead(201, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ sha256, size: content.length }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  try {
    const program = spawn(process.execPath, ['-e', 'process.stdout.write("all of it")'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const hasEnded = once(program, 'exit')
    const client = createClient(async () => {
      await hasEnded
      await setImmediate()
      return { url: new URL(`http://127.0.0.1:${port}`), apiKey: 'rck_any', pid: undefined }
    })
    expect(await uploadStream(client, program.stdout)).toMatchObject({ size: 9 })
  } finally {
    server.closeAllConnections()
    server.close()
  }
})
