import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { poll } from '../bed/poll.ts'
import { WardenHost } from '../host/warden-host.ts'

const CHECKS = 5
const INTERVAL_MS = 5000
/** How long the warden may take until all checks have passed. */
const READY_MS = 120_000

/** The cost of a warden that makes five HTTP checks, each every five seconds. */
export interface WardenCost {
  rssMb: number
  cpuPercent: number
  /** Checks that were answered while it was measured. */
  checks: number
}

/** Measures a warden on this machine for some seconds. Throws if it did not make its checks meanwhile. */
export async function measureWarden(seconds: number): Promise<WardenCost> {
  let answered = 0
  const server = createServer((_request, response) => {
    answered++
    response.writeHead(204).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    await using host = new WardenHost()
    const { port } = server.address() as AddressInfo
    for (let number = 1; number <= CHECKS; number++)
      host.add(`0000000${number}`, { kind: 'http', path: '/up', port }, { interval_ms: INTERVAL_MS })
    const pid = host.start().pid ?? 0
    await poll(
      () => host.report()?.instances.filter(({ health }) => health === 'success').length === CHECKS,
      {
        timeoutMs: READY_MS,
        what: 'five healthy instances',
      },
    )
    const before = { answered, cpuNs: cpuNs(pid) }
    await pause(seconds * 1000)
    const checks = answered - before.answered
    const expected = (CHECKS * seconds * 1000) / INTERVAL_MS
    if (checks < expected * 0.8) throw new Error(`the warden made ${checks} checks in place of ${expected}`)
    return { rssMb: rssMb(pid), cpuPercent: (cpuNs(pid) - before.cpuNs) / seconds / 1e7, checks }
  } finally {
    server.close()
    server.closeAllConnections()
  }
}

/** Processor time in nanoseconds: the ticks of `stat` would be a tenth of what is measured. */
const cpuNs = (pid: number): number => Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0])

const rssMb = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
