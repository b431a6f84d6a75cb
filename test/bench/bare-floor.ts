import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Identity } from '../../agent/test/fixtures/certificate.ts'
import type { LoadAgent } from '../load/agents.ts'
import type { LoadNamespace } from '../load/namespace.ts'
import type { BareLoopCounts, BareLoopOrder } from './bare-loop.ts'
import { MemoryWatch } from './memory-watch.ts'
import { cpuMs } from './process-cost.ts'

const LOOP = fileURLToPath(new URL('./bare-loop.ts', import.meta.url))

export interface Floor {
  corePercent: number
  cpuUsPerCall: number
  rssMb: number
  calls: number
}

interface Order {
  namespace: LoadNamespace
  core: string
  agents: readonly LoadAgent[]
  identity: Identity
  minMs: number
  maxMs: number
  /** All connections are opened within this time; the loop is measured after it. */
  connectMs: number
  windowMs: number
}

/** Measures what the same calls at the same pace cost a loop that does nothing else. */
export async function measureFloor(order: Order): Promise<Floor> {
  const { namespace, core, agents, identity: server, minMs, maxMs, connectMs, windowMs } = order
  const [program, ...args] = [...namespace.enter, 'taskset', '-c', core, process.execPath, LOOP]
  const child = spawn(program as string, args, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    serialization: 'advanced',
  })
  const ended = new Promise<never>((_, reject) => {
    child.on('error', reject)
    child.on('exit', (code) => reject(new Error(`the bare loop ended with ${code}`)))
  })
  ended.catch(() => undefined) // Of interest only while it is measured.
  const pid = child.pid
  if (pid === undefined) throw new Error('the bare loop could not be started')
  const count = async () => {
    child.send('count')
    const [counts] = (await Promise.race([once(child, 'message'), ended])) as [BareLoopCounts]
    return counts
  }
  try {
    child.send({ agents: [...agents], server, minMs, maxMs, connectMs } satisfies BareLoopOrder)
    // Then every agent has been called once, and its next turn has begun to be spread.
    await Promise.race([delay(connectMs + minMs), ended])
    const memory = await MemoryWatch.start(pid)
    const before = { ...(await count()), cpuMs: await cpuMs(pid), atMs: performance.now() }
    await Promise.race([delay(windowMs), ended])
    const usedMs = (await cpuMs(pid)) - before.cpuMs
    const tookMs = performance.now() - before.atMs
    const after = await count()
    const calls = after.calls - before.calls
    const failures = after.failures - before.failures
    if (failures > calls / 100)
      throw new Error(`${failures} of ${calls + failures} calls of the bare loop failed`)
    return {
      corePercent: (100 * usedMs) / tookMs,
      cpuUsPerCall: (1000 * usedMs) / calls,
      rssMb: await memory.stop(),
      calls,
    }
  } finally {
    child.kill('SIGKILL')
  }
}
