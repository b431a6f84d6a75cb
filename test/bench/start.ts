import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { run } from '../bed/tools.ts'
import { freePort } from '../fleet/server-process.ts'
import type { Benchmark, Figure } from './figure.ts'

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url))
const HOSTS = 3
const GIVE_UP_MS = 20 * 60_000
const LINES_KEPT = 60

/**
 * From a clean clone with empty caches of its own to a demo that runs, and once more. What Debian packages the machine lacks is installed
 * once for all: on a machine that has them already that part, some seconds, is not in the first figures.
 */
export const start: Benchmark = {
  summary:
    'npm start -- --demo from a clean clone: until the first host is online, until three are, and again',
  async run(log) {
    const folder = await mkdtemp(join(tmpdir(), 'rollcall-bench-start-'))
    // As root the embedded database runs under an account of its own, which has to pass.
    await chmod(folder, 0o711)
    try {
      const clone = join(folder, 'clone')
      await run('git', ['clone', '--quiet', CHECKOUT, clone])
      const first = await demo(clone, folder, log)
      const again = await demo(clone, folder, log)
      const figure = (name: string, value: number | undefined, atMost: number): Figure => ({
        name: `start.${name}`,
        value: value ?? null,
        unit: 's',
        target: { atMost },
        peer: null,
        peerValue: null,
        n: 1,
      })
      return [
        figure('first_host_s', first.at(0), 180),
        figure('three_hosts_s', first.at(-1), 300),
        figure('again_s', again.at(0), 20),
      ]
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
}

/** Runs the demo until all its hosts are online, and ends it. Returns the seconds after which each was. Throws with its last lines. */
async function demo(clone: string, folder: string, log: (line: string) => void): Promise<number[]> {
  const startedAt = performance.now()
  const child = spawn('npm', ['start', '--', '--demo'], {
    cwd: clone,
    env: {
      ...process.env,
      npm_config_cache: join(folder, 'npm'),
      ROLLCALL_CACHE_DIR: join(folder, 'cache'),
      ROLLCALL_BED_CACHE: join(folder, 'bed'),
      ROLLCALL_DATA_DIR: join(folder, 'data'),
      ROLLCALL_LISTEN: `127.0.0.1:${await freePort()}`,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  const online: number[] = []
  const lines: string[] = []
  const ended = once(child, 'exit')
  const stop = () => process.kill(-(child.pid as number), 'SIGINT')
  const giveUp = setTimeout(stop, GIVE_UP_MS)
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line)
      if (lines.length > LINES_KEPT) lines.shift()
      if (!/^✔ demo-\d+ is online/.test(line)) return
      online.push((performance.now() - startedAt) / 1000)
      log(line)
      if (online.length === HOSTS) stop()
    })
  await ended
  clearTimeout(giveUp)
  if (online.length < HOSTS)
    throw new Error(`the demo ended with ${online.length} hosts online:\n${lines.join('\n')}`)
  return online
}
