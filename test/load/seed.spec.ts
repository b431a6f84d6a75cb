import { expect, it } from 'vitest'
import { makeAgents } from './agents.ts'
import { whyNoNamespace } from './namespace.ts'
import { ServerData } from './seed.ts'
import { SimulatedSetting } from './simulated-setting.ts'

const reason = await whyNoNamespace()
if (reason && process.env.CI) throw new Error(reason)

it.skipIf(reason)(
  `a server takes seeded hosts for its own, and runs commands on them ${reason ?? ''}`,
  async () => {
    await using setting = await SimulatedSetting.open({ agents: 30, state: 'offline' })
    const { api, server, simulator } = setting
    const { hosts } = await api.call('listHosts')
    expect(hosts.map(({ name }) => name)).toEqual(simulator.agents.map(({ name }) => name))
    expect(new Set(hosts.map(({ state }) => state))).toEqual(new Set(['offline']))

    const script = 'echo out; sleep 0.1; hostname; exit 3'
    const names = hosts.map(({ name }) => name)
    const commands = await api.run({ hosts: names, program: 'sh', args: ['-c', script] })
    const ended = await Promise.all(commands.map(({ id }) => api.ended(id)))
    expect(ended.map(({ state, exitCode }) => [state, exitCode])).toEqual(Array(30).fill(['failed', 3]))
    expect(await api.text(commands[7]?.id ?? '')).toBe('out\nsim-00008\n')
    expect((await simulator.records()).counts('execute_command').size).toBe(30)

    // A table that a later schema may have: one row for each agent.
    await using data = await ServerData.open(server)
    await data.query(
      'CREATE TABLE beat (host_id uuid PRIMARY KEY REFERENCES agent (host_id), n int NOT NULL DEFAULT 7)',
    )
    await data.query('ALTER TABLE host ADD COLUMN round int NOT NULL DEFAULT 5')
    await data.seed(makeAgents(2, 'real'), { state: 'online' })
    expect(
      await data.query('SELECT name, round, n FROM beat JOIN host ON id = host_id ORDER BY name'),
    ).toEqual([
      { name: 'real-00001', round: 5, n: 7 },
      { name: 'real-00002', round: 5, n: 7 },
    ])
  },
)
