import { readdir, readFile } from 'node:fs/promises'
import { poll } from '../bed/poll.ts'

const ENDED_MS = 30_000

/** Processes of ssh that keep a connection open for those to come, by a socket in `folder`. */
export async function sshMasters(folder: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const found = await Promise.all(
    pids.map(async (pid) => {
      // One that ended in between is no master.
      const title = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
      return title.startsWith(`ssh: ${folder}/`) && title.includes('[mux]') ? [pid] : []
    }),
  )
  return found.flat()
}

/** Ends every kept connection. */
export async function closeSshMasters(folder: string): Promise<void> {
  for (const pid of await sshMasters(folder)) process.kill(pid, 'SIGTERM')
  await poll(async () => (await sshMasters(folder)).length === 0, {
    timeoutMs: ENDED_MS,
    what: 'the kept connections of ssh to end',
  })
}
