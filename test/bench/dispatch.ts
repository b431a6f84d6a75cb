import { setTimeout as delay } from 'node:timers/promises'
import type { LiveEvent } from '@rollcall/contracts/admin'
import type { WebSocket } from 'ws'
import type { Api } from '../fleet/api.ts'
import { LiveClient } from '../fleet/live-client.ts'
import { BenchFleet } from './bench-fleet.ts'
import type { Benchmark, Figure } from './figure.ts'
import { SshPeer } from './ssh-peer.ts'
import { percentile } from './statistics.ts'

const WARM_UPS = 20
const ROUNDS = 300
/** Between two commands, so that the one before has been tidied away and the server is idle again. */
const PAUSE_MS = 50

export const dispatch: Benchmark = {
  summary: 'from the acceptance of a command to its first byte of output, stored and pushed',
  async run(log) {
    await using fleet = await BenchFleet.open('dispatch', log)
    const host = await fleet.oneOnline()
    using live = await LiveClient.open(fleet.api)
    await using ssh = await SshPeer.open(fleet.bed, host)
    await ssh.warmUp()
    const ours: number[] = []
    const theirs: number[] = []
    // In turn, so that whatever else the machine does falls on both.
    for (let round = 0; round < WARM_UPS + ROUNDS; round++) {
      await delay(PAUSE_MS)
      const firstByteMs = await dispatchOnce(fleet.api, live.socket, host.name)
      await delay(PAUSE_MS)
      const peerMs = await ssh.firstByteMs('echo', 'x')
      if (round < WARM_UPS) continue
      ours.push(firstByteMs)
      theirs.push(peerMs)
    }
    const figure = (share: 'p50' | 'p99', atMost: number): Figure => ({
      name: `dispatch.first_byte_ms.${share}`,
      value: percentile(ours, Number(share.slice(1)) / 100),
      unit: 'ms',
      target: { atMost },
      peer: 'ssh host echo, warm ControlMaster',
      peerValue: percentile(theirs, Number(share.slice(1)) / 100),
      n: ours.length,
    })
    return [figure('p50', 15), figure('p99', 80)]
  },
}

/** Milliseconds from the answer that the command is accepted to its first byte. Resolves when the command has ended. */
export async function dispatchOnce(api: Api, socket: WebSocket, host: string): Promise<number> {
  const [command] = await api.run({
    runId: crypto.randomUUID(),
    hosts: [host],
    program: 'echo',
    args: ['x'],
  })
  const accepted = performance.now()
  if (!command) throw new Error('the run has no command')
  return new Promise((resolve, reject) => {
    let firstByteMs: number | undefined
    const onMessage = (text: unknown) => {
      const now = performance.now()
      const event = JSON.parse(String(text)) as LiveEvent
      if (event.type === 'error') return settle(() => reject(new Error(`${event.code}: ${event.message}`)))
      if (event.type === 'output' && event.commandId === command.id) firstByteMs ??= now - accepted
      if (event.type !== 'end' || event.command.id !== command.id) return
      const ms = firstByteMs
      settle(() =>
        ms === undefined ? reject(new Error(`echo is ${event.command.state} without output`)) : resolve(ms),
      )
    }
    const onClose = () => settle(() => reject(new Error('the live connection was closed')))
    const settle = (how: () => void) => {
      socket.off('message', onMessage)
      socket.off('close', onClose)
      how()
    }
    socket.on('message', onMessage)
    socket.on('close', onClose)
    socket.send(JSON.stringify({ type: 'follow', commandId: command.id, offset: 0 }))
  })
}
