import { expect, it } from 'vitest'
import { Bed, whyNoBed } from '../bed/index.ts'
import { ServerProcess } from '../fleet/server-process.ts'
import { prepared } from '../fleet/shared.ts'
import { runChaos } from './chaos.ts'

const noBed = await whyNoBed()

it.skipIf(noBed)(
  `no command is lost or run twice while server, agents and database are killed ${noBed ?? ''}`,
  async () => {
    await using bed = await Bed.open({ name: 'chaos' })
    const hosts = await bed.boot(prepared([{ name: 'one' }, { name: 'two' }]))
    await using server = await ServerProcess.start()
    const result = await runChaos(bed, hosts, server, { seed: 1, commands: 40, kills: 10 }, console.log)
    expect(result, server.lines.slice(-40).join('\n')).toMatchObject({
      commands: 40,
      lost: [],
      doubled: [],
      untrue: [],
    })
  },
)
