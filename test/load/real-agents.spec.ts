import { existsSync } from 'node:fs'
import { expect, it } from 'vitest'
import { ServerProcess } from '../fleet/server-process.ts'
import { makeAgents } from './agents.ts'
import { LoadNamespace, whyNoNamespace } from './namespace.ts'
import { RealAgents } from './real-agents.ts'
import { ServerData } from './seed.ts'

const reason = await whyNoNamespace()
if (reason && process.env.CI) throw new Error(reason)

it.skipIf(reason)(
  `real agents as plain processes run what a server asks, and are gone afterwards ${reason ?? ''}`,
  async () => {
    await using namespace = await LoadNamespace.open()
    await using server = await ServerProcess.start({
      address: namespace.address,
      launcher: namespace.enter,
    })
    await using data = await ServerData.open(server)
    const agents = makeAgents(2, 'real')
    let pids: number[]
    {
      const serverPins = [await data.serverPin()]
      await using started = await RealAgents.start({ namespace, agents, serverPins })
      await data.seed(agents, { state: 'online' })
      const api = await server.api()
      const hosts = agents.map(({ name }) => name)
      const commands = await api.run({ hosts, program: 'sh', args: ['-c', 'echo $((6 * 7))'] })
      for (const { id } of commands) {
        expect((await api.ended(id)).state).toBe('success')
        expect(await api.text(id)).toBe('42\n')
      }
      pids = started.pids
      expect(pids.filter((pid) => existsSync(`/proc/${pid}`))).toHaveLength(4)
    }
    expect(pids.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([])
  },
)
