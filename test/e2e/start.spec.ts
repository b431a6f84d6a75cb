import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { poll } from '../bed/poll.ts'
import { ServerProcess } from '../fleet/server-process.ts'

describe('a start', () => {
  let server: ServerProcess
  beforeAll(async () => {
    server = await ServerProcess.start({ isFirstStart: true })
  })
  afterAll(() => server?.[Symbol.asyncDispose]())

  it('the live connection is open to programs with a key and to own pages, and to no others', async () => {
    const { authorization = '' } = (await server.api()).headers
    const open = async (headers: Record<string, string>) => {
      const socket = new WebSocket(`${server.url.replace('http', 'ws')}/ws`, { headers })
      const refused = once(socket, 'unexpected-response').then(
        ([, response]) => response.statusCode as number,
      )
      const status = await Promise.race([refused, once(socket, 'open').then(() => 101)])
      socket.on('error', () => undefined).terminate()
      return status
    }
    expect(await open({ authorization })).toBe(101)
    expect(await open({ authorization, origin: server.url })).toBe(101)
    expect(await open({ authorization, origin: 'https://evil.example' })).toBe(403)
    expect(await open({ authorization, origin: 'null' })).toBe(403)
    expect(await open({})).toBe(401)
    expect(await open({ authorization: 'Bearer wrong' })).toBe(401)
  })

  it('a start on the data folder of a running server is refused, and the message names the folder', async () => {
    await expect(server.startSecond()).rejects.toThrow(
      new RegExp(`Another Rollcall server uses ${server.dataDir}`),
    )
  })

  it('a start with another master key is refused, and the secrets stay readable', async () => {
    await server.end('SIGTERM')
    const env = { ROLLCALL_MASTER_KEY: randomBytes(32).toString('base64') }
    await expect(server.start(env)).rejects.toThrow(/server\.master_key_wrong/)
    await server.start()
    expect((await (await server.api()).request('GET', '/api/hosts')).status).toBe(200)
  })

  it('a start on a port that is taken is refused', async () => {
    await server.end('SIGTERM')
    const squatter = createServer().listen(0, '127.0.0.1')
    await once(squatter, 'listening')
    const { port } = squatter.address() as { port: number }
    await expect(server.start({ ROLLCALL_LISTEN: `127.0.0.1:${port}` })).rejects.toThrow(
      `Port ${port} on 127.0.0.1 is taken`,
    )
    squatter.close()
  })

  it('a server that is told to end while it starts ends in order, and its database with it', async () => {
    await server.end('SIGTERM')
    const pidFile = join(server.dataDir, 'postgres/data/postmaster.pid')
    const isThere = () =>
      stat(pidFile).then(
        () => true,
        () => false,
      )
    const starting = server.start().catch((error: Error) => error)
    await poll(isThere, { timeoutMs: 30_000, everyMs: 10, what: 'the database to start' })
    await server.end('SIGTERM')
    await starting
    expect(server.lines.at(-1)).toBe('the server process ended with 0')
    expect(await isThere()).toBe(false)
  })

  it('a start finds its data again, and keys that only its owner can read', async () => {
    const before = (await server.api()).headers
    await server.end('SIGTERM')
    await server.start()
    const api = await server.api()
    expect(api.headers).toEqual(before)
    expect((await api.request('GET', '/api/hosts')).status).toBe(200)
    for (const file of ['api-key', 'master-key'])
      expect((await stat(join(server.dataDir, file))).mode & 0o777).toBe(0o600)
  })
})
