import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Bed, type Host, whyNoBed } from '../bed/index.ts'
import type { Api } from '../fleet/api.ts'
import { Backends } from '../fleet/backends.ts'
import { keyCredential } from '../fleet/credentials.ts'
import { killAgent } from '../fleet/fleet.ts'
import { LiveClient } from '../fleet/live-client.ts'
import { ServerProcess } from '../fleet/server-process.ts'

const noBed = await whyNoBed()
const COUNTING = 'for i in $(seq 1 40); do echo out $i; echo err $i >&2; sleep 0.2; done'
const COUNTED = Array.from({ length: 40 }, (_, i) => `out ${i + 1}\nerr ${i + 1}\n`).join('')

describe.skipIf(noBed)(`a running command ${noBed ?? ''}`, () => {
  let bed: Bed
  let host: Host

  beforeAll(async () => {
    bed = await Bed.open({ name: 'survival' })
    ;[host] = (await bed.boot([{ name: 'survivor' }])) as [Host]
  })
  afterAll(() => bed?.close())

  const onlineServer = async (options = {}) => {
    const server = await ServerProcess.start(options)
    const api = await server.api()
    const installation = await api.addHost({
      name: 'survivor',
      address: host.address,
      credential: await keyCredential(bed),
      // Each story has a server of its own, and the host has the agent of the one before.
      takeOver: true,
    })
    if (installation.state !== 'success') throw new Error(await api.text(installation.id))
    return { server, api }
  }
  const start = async (api: Api, script = COUNTING) => {
    const [command] = await api.run({ hosts: ['survivor'], program: 'sh', args: ['-c', script] })
    if (!command) throw new Error('no command')
    await api.until(command.id, (seen) => seen.outputBytes > 0)
    return command.id
  }

  it('a command ends with its true result and each byte once after agent, server and database were killed', async () => {
    const { server, api } = await onlineServer()
    await using _ = server
    const id = await start(api)
    await killAgent(host)
    await api.until(id, (command) => command.outputBytes > 60)
    await server.restart('SIGKILL')
    await api.until(id, (command) => command.outputBytes > 120)
    process.kill(await server.postgresPid(), 'SIGKILL')
    const ended = await api.ended(id).catch((error) => {
      throw new Error(`${error.message}\n${server.lines.slice(-30).join('\n')}`)
    })
    expect(ended).toMatchObject({ state: 'success', exitCode: 0, droppedBytes: 0 })
    expect(await api.text(id)).toBe(COUNTED)
  })

  it('a viewer who reconnects with its offset after a kill of the server sees the whole output', async () => {
    const { server, api } = await onlineServer()
    await using _ = server
    const id = await start(api)
    let seen = ''
    const view = async () => {
      using live = await LiveClient.open(api)
      live.socket.on('message', (text) => {
        const event = JSON.parse(String(text))
        if (event.type === 'output') seen += Buffer.from(event.data, 'base64').toString()
      })
      await live.follow(id, Buffer.byteLength(seen))
    }
    const first = view()
    await api.until(id, (command) => command.outputBytes > 100)
    await Promise.all([server.restart('SIGKILL'), expect(first).rejects.toThrow('closed')])
    await view()
    expect(seen).toBe(COUNTED)
  })

  it('a command survives an emptied queue, and continues after Redis and PostgreSQL were killed', async () => {
    await using backends = await Backends.start()
    const { server, api } = await onlineServer({
      databaseUrl: backends.databaseUrl,
      redisUrl: backends.redisUrl,
    })
    await using _ = server
    const running = await start(api)
    await backends.killRedis()
    const [accepted] = await api.run({
      hosts: ['survivor'],
      program: 'echo',
      args: ['accepted without a queue'],
    })
    await backends.wipeRedis()
    await backends.killPostgres()
    await backends.startPostgres()
    expect(await api.ended(accepted?.id ?? '')).toMatchObject({ state: 'success' })
    expect(await api.ended(running)).toMatchObject({ state: 'success' })
    expect(await api.text(running)).toBe(COUNTED)
  })

  it('a command whose host loses power is lost, and never silently run again', async () => {
    const { server, api } = await onlineServer()
    await using _ = server
    const id = await start(api, 'echo ran >> /var/tmp/power; sync; echo started; sleep 600')
    await host.powerOff()
    await host.boot()
    expect(await api.ended(id)).toMatchObject({ state: 'lost', reasonCode: 'command.host_restarted' })
    expect((await host.output(['cat', '/var/tmp/power'])).trim()).toBe('ran')
    const [next] = await api.run({ hosts: ['survivor'], program: 'true' })
    expect(await api.ended(next?.id ?? '')).toMatchObject({ state: 'success' })
  })

  it('a command is waited for, and its host shown as offline, while the cable is cut', async () => {
    const { server, api } = await onlineServer()
    await using _ = server
    const id = await start(api)
    await host.cut()
    await expect
      .poll(async () => (await api.host('survivor')).state, { timeout: 200_000, interval: 1000 })
      .toBe('offline')
    expect((await api.command(id)).state).toBe('running')
    await host.mend()
    expect(await api.ended(id)).toMatchObject({ state: 'success' })
    expect(await api.text(id)).toBe(COUNTED)
    await expect.poll(async () => (await api.host('survivor')).state, { timeout: 60_000 }).toBe('online')
  })

  it('an agent under a running command owns no connection that it opened', async () => {
    const { server, api } = await onlineServer()
    await using _ = server
    const id = await start(api)
    const { agent } = await api.host('survivor')
    const foreign: string[] = []
    while ((await api.command(id)).state === 'running') {
      const sockets = await host.output(['ss', '-Htanp'])
      for (const line of sockets
        .split('\n')
        .filter((text) => text.includes('"node"') || text.includes('agent')))
        if (!line.includes(`:${agent?.port} `)) foreign.push(line)
    }
    expect(foreign).toEqual([])
    const pid = await host.output(['systemctl', 'show', '--property=MainPID', '--value', 'rollcall-agent'])
    expect(await host.output(['grep', 'Seccomp:', `/proc/${pid.trim()}/status`])).toContain('2')
  })
})
