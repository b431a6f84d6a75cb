import { beforeAll, describe, expect, it } from 'vitest'
import type { Host } from '../../bed/index.ts'
import type { Api } from '../../fleet/api.ts'
import { Backends } from '../../fleet/backends.ts'
import { type Fleet, killAgent } from '../../fleet/fleet.ts'
import { LiveClient } from '../../fleet/live-client.ts'
import { Roll } from '../../fleet/roll.ts'
import { ServerProcess } from '../../fleet/server-process.ts'

const COUNTING = 'for i in $(seq 1 40); do echo out $i; echo err $i >&2; sleep 0.2; done'
const COUNTED = Array.from({ length: 40 }, (_, i) => `out ${i + 1}\nerr ${i + 1}\n`).join('')

interface Cast {
  fleet: () => Fleet
  host: () => Host
}

/** Commands that outlive what is killed around them. In the last story another server takes the host over. */
export const survivalStories = (cast: Cast) =>
  describe('a running command', () => {
    let fleet: Fleet
    let host: Host
    let server: ServerProcess
    let api: Api

    beforeAll(() => {
      fleet = cast.fleet()
      host = cast.host()
      ;({ server, api } = fleet)
    })

    const start = async (script = COUNTING, on = api) => {
      const [command] = await on.run({ hosts: [host.name], program: 'sh', args: ['-c', script] })
      if (!command) throw new Error('no command')
      await on.until(command.id, (seen) => seen.outputBytes > 0)
      return command.id
    }

    it('a command ends with its true result and each byte once after agent, server and database were killed', async () => {
      const id = await start()
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
      const id = await start()
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

    it('a command whose host loses power is lost, and never silently run again', async () => {
      const id = await start('echo ran >> /var/tmp/power; sync; echo started; sleep 600')
      await host.powerOff()
      await host.boot()
      expect(await api.ended(id)).toMatchObject({ state: 'lost', reasonCode: 'command.host_restarted' })
      expect((await host.output(['cat', '/var/tmp/power'])).trim()).toBe('ran')
      const [next] = await api.run({ hosts: [host.name], program: 'true' })
      expect(await api.ended(next?.id ?? '')).toMatchObject({ state: 'success' })
    })

    it('a command is waited for, and its host shown as offline, while the cable is cut', async () => {
      await api.call('changeHost', {
        params: { host: host.name },
        // Soon told, and nobody installs it again while it is away.
        body: { heartbeatProfile: 'high-availability', autoReinstall: false },
      })
      const id = await start()
      await host.cut()
      const roll = new Roll(api)
      await roll.until(host.name, 'offline', 200_000)
      expect((await api.command(id)).state).toBe('running')
      await host.mend()
      expect(await api.ended(id)).toMatchObject({ state: 'success' })
      expect(await api.text(id)).toBe(COUNTED)
      await roll.until(host.name, 'online', 60_000)
    })

    it('an agent under a running command owns no connection that it opened', async () => {
      const id = await start('for i in $(seq 1 15); do echo $i; sleep 0.2; done')
      const { agent } = await api.host(host.name)
      const foreign: string[] = []
      let inspections = 0
      while ((await api.command(id)).state === 'running') {
        inspections++
        const sockets = await host.output(['ss', '-Htanp'])
        for (const line of sockets
          .split('\n')
          .filter((text) => text.includes('"node"') || text.includes('agent')))
          if (!line.includes(`:${agent?.port} `)) foreign.push(line)
      }
      expect(inspections).toBeGreaterThan(0)
      expect(foreign).toEqual([])
      const pid = await host.output(['systemctl', 'show', '--property=MainPID', '--value', 'rollcall-agent'])
      expect(await host.output(['grep', 'Seccomp:', `/proc/${pid.trim()}/status`])).toContain('2')
    })

    it('a command survives an emptied queue, and continues after Redis and PostgreSQL were killed', async () => {
      await using backends = await Backends.start()
      const { databaseUrl, redisUrl } = backends
      await using another = await ServerProcess.start({ databaseUrl, redisUrl })
      const api = await another.api()
      const { name, address } = host
      const taken = await api.addHost({ name, address, credential: fleet.credential, takeOver: true })
      if (taken.state !== 'success') throw new Error(await api.text(taken.id))
      const running = await start(COUNTING, api)
      await backends.killRedis()
      const [accepted] = await api.run({
        hosts: [host.name],
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
  })
