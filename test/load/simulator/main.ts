/** The simulator's process: plays agents until its parent ends, and does what it is told over the IPC channel. */
import type { Answers, Reply, Request } from './messages.ts'
import { SimulatedFleet } from './simulated-fleet.ts'

if (!process.send) throw new Error('the simulator is started by test/load/simulator.ts, with an IPC channel')

let fleet: SimulatedFleet | undefined

async function obey(request: Request): Promise<Answers[Request['op']]> {
  if (request.op === 'play') {
    fleet = await SimulatedFleet.open(request.agents, request.disks)
    return null
  }
  if (!fleet) throw new Error('nobody plays yet')
  switch (request.op) {
    case 'behave':
      await fleet.behave(request.agents, request.behaviour)
      return null
    case 'records':
      return fleet.records()
    case 'forget':
      fleet.forget()
      return null
    case 'state':
      return fleet.state()
  }
}

const reply = (message: Reply) => process.send?.(message)

process.on('message', ({ id, ...request }: Request & { id: number }) => {
  obey(request as Request).then(
    (value) => reply({ id, value }),
    (error: Error) => reply({ id, error: String(error.stack) }),
  )
})
process.on('disconnect', () => process.exit())
