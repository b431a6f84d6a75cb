import { cpus, loadavg, release, totalmem } from 'node:os'

/** The facts of a machine that figures depend on, at one moment. */
export interface MachineFacts {
  machine: string
  /** Runnable processes, averaged over 1, 5 and 15 minutes. */
  load: string
  at: Date
}

export function machineFacts(): MachineFacts {
  const cores = cpus()
  const memoryGib = (totalmem() / 1024 ** 3).toFixed(0)
  return {
    machine: `${cores[0]?.model ?? 'unknown processor'}, ${cores.length} cores, ${memoryGib} GiB, Linux ${release()}`,
    load: loadavg()
      .map((value) => value.toFixed(2))
      .join(' '),
    at: new Date(),
  }
}
