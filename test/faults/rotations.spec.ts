import { expect, it } from 'vitest'
import { whyNoNamespace } from '../load/namespace.ts'
import { SimulatedSetting } from '../load/simulated-setting.ts'
import { runRotations } from './rotations.ts'
import { totalOf } from './strike.ts'

const reason = await whyNoNamespace()
const AGENTS = 100

it.skipIf(reason)(
  `no agent is lost by rotations while server, database and agents die ${reason ?? ''}`,
  async () => {
    await using setting = await SimulatedSetting.open({ agents: AGENTS })
    const result = await runRotations(setting, { seed: 1, rotations: 3 * AGENTS, kills: 4 }, console.log)
    expect(result, setting.server.lines.slice(-40).join('\n')).toMatchObject({ lost: [], accused: [] })
    expect(result.rotations).toBeGreaterThanOrEqual(3 * AGENTS)
    expect(result.agentDeaths).toBeGreaterThan(0)
    expect(totalOf(result.kills)).toBeGreaterThan(0)
  },
)
