import { RollcallError } from '@rollcall/contracts'
import pino from 'pino'
import { beforeEach, expect, it } from 'vitest'
import type { AgentIdentity, AgentsRepository, AgentsService } from '../agents/index.ts'
import type { OutputWriter } from '../commands/index.ts'
import { partOf } from '../platform/testing/part-of.ts'
import { runOnce } from '../platform/testing/run-tasks.ts'
import { MoveUndoneError, PortMoves } from './port-moves.reconciler.ts'

const HOST = '11111111-1111-4111-8111-111111111111'
const FROM = 20_000
const TO = 7000
const lost = () => new RollcallError('ssh.connection_lost', 'The connection broke.')

/** Where the agent listens, what the database says, and what was installed. */
let listens: number | undefined
let stored: { rpcPort: number; nextPort: number | null }
let installed: number[]
let moves: PortMoves

beforeEach(() => {
  listens = FROM
  stored = { rpcPort: FROM, nextPort: TO }
  installed = []
  const agents = {
    identity: async () => partOf<AgentIdentity>(stored),
    endMove: async (_hostId: string, port: number) => {
      stored = { rpcPort: port, nextPort: null }
      return true
    },
    unendedMoves: async () => {
      const { rpcPort, nextPort } = stored
      return nextPort === null ? [] : [{ hostId: HOST, rpcPort, nextPort }]
    },
  }
  const connections = {
    forget: () => undefined,
    probe: async (_hostId: string, { port }: { port: number }) => {
      if (port !== listens) throw new RollcallError('agent.unreachable', 'It does not answer.')
    },
  }
  const log = pino({ level: 'silent' })
  moves = new PortMoves(
    partOf<AgentsRepository>(agents),
    partOf<AgentsService>(connections),
    partOf({ requestNow: async () => undefined }),
    log,
  )
})

const log = partOf<OutputWriter>({ line: async () => undefined })
const move = (installAt: (port: number) => void, signal = new AbortController().signal) =>
  moves.move(HOST, {
    nextPort: TO,
    log,
    signal,
    installAt: async (port) => {
      installed.push(port)
      installAt(port)
    },
  })

it('an agent that answers at its new port is there from then on', async () => {
  await move((port) => {
    listens = port
  })
  expect(stored).toEqual({ rpcPort: TO, nextPort: null })
})

it('an agent whose move was refused before anything was changed stays where it was, and nothing is installed anew', async () => {
  const taken = new RollcallError('host.port_taken', 'Something else listens there.')
  const failure = await move(() => {
    throw taken
  }).catch((error) => error)
  expect(failure).toBeInstanceOf(MoveUndoneError)
  expect(failure).toMatchObject({ code: 'host.port_taken', cause: taken })
  expect(failure.message).toMatch(/^Failed to move the agent to port 7000; it stays on port 20000\. /)
  expect({ stored, installed }).toEqual({ stored: { rpcPort: FROM, nextPort: null }, installed: [TO] })
})

it('an agent that the server cannot reach at its new port is put back to the old one', async () => {
  const failure = move((port) => {
    listens = port === FROM ? FROM : undefined
    if (port === TO) throw new RollcallError('install.agent_silent', 'A firewall is between the two.')
  })
  await expect(failure).rejects.toMatchObject({ code: 'install.agent_silent' })
  expect({ stored, installed }).toEqual({ stored: { rpcPort: FROM, nextPort: null }, installed: [TO, FROM] })
})

it('an agent that answers at its new port although its installation broke off is there', async () => {
  await move((port) => {
    listens = port
    throw lost()
  })
  expect({ stored, installed }).toEqual({ stored: { rpcPort: TO, nextPort: null }, installed: [TO] })
})

it('an agent that is nowhere to be found keeps both ports, until it is found on one of them', async () => {
  const failure = move(() => {
    listens = undefined
    throw lost()
  })
  await expect(failure).rejects.toMatchObject({ code: 'ssh.connection_lost' })
  expect(stored).toEqual({ rpcPort: FROM, nextPort: TO })
  await runOnce(moves, new Date())
  expect(stored).toEqual({ rpcPort: FROM, nextPort: TO })
  for (const port of [TO, FROM]) {
    stored = { rpcPort: FROM, nextPort: TO }
    listens = port
    await runOnce(moves, new Date())
    expect(stored).toEqual({ rpcPort: port, nextPort: null })
  }
})

it('a move that is cancelled installs nothing more, and is ended by the next tick', async () => {
  const cancelled = new AbortController()
  const failure = move((port) => {
    listens = port
    cancelled.abort(new Error('cancelled'))
    throw lost()
  }, cancelled.signal)
  await expect(failure).rejects.toThrow('cancelled')
  expect({ stored, installed }).toEqual({ stored: { rpcPort: FROM, nextPort: TO }, installed: [TO] })
  await runOnce(moves, new Date())
  expect(stored).toEqual({ rpcPort: TO, nextPort: null })
})
