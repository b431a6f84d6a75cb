import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import type { AdminResponse } from '@rollcall/contracts/admin'
import type { CallInput } from '@rollcall/contracts/client'
import type { Host } from '../bed/index.ts'
import { poll } from '../bed/poll.ts'
import { run } from '../bed/tools.ts'
import { BenchFleet } from './bench-fleet.ts'
import { installPeer } from './debian-packages.ts'
import type { Benchmark } from './figure.ts'
import { succeeded } from './ssh-peer.ts'
import { percentile } from './statistics.ts'

const RSYNC = '/usr/bin/rsync'
const LONG = { hosts: 10, bytes: 1_000_000_000 }
const SHORT = { hosts: 3, bytes: 200_000_000 }
const TREE_FILES = 10_000
const TREE_ROUNDS = 5
/** As the command line looks: more often would cost the server what nobody needs. */
const LOOK_MS = 300
/** The interval for measuring what takes less than a second. */
const SHORT_LOOK_MS = 25

export const files: Benchmark = {
  summary: 'a large file to many hosts beside rsync -z, and a tree in which nothing has changed',
  async run(log, { isShort }) {
    const { hosts: count, bytes } = isShort ? SHORT : LONG
    await using fleet = await BenchFleet.open('files', log)
    const hosts = await fleet.boot(...Array.from({ length: count }, (_, i) => `store-${i + 1}`))
    await Promise.all(hosts.map((host) => fleet.install(host)))
    const folder = await mkdtemp(join(tmpdir(), 'rollcall-bench-files-'))
    try {
      const file = join(folder, 'large')
      await writeLarge(file, bytes)
      const ours = await sendOurs(fleet, hosts, file)
      log(`${count} hosts, ${bytes / 1e6} MB: ${ours.toFixed(1)} s`)
      const absent = await installPeer(RSYNC, 'rsync', log)
      const theirs = absent === undefined ? await sendByRsync(fleet, hosts, file) : null
      log(absent ?? `rsync -z: ${theirs?.toFixed(1)} s`)
      const unchanged = await unchangedTree(fleet, hosts[0] as Host, log)
      return [
        {
          name: 'files.rsync_ratio',
          unit: '×',
          target: { atLeast: 0.7 },
          n: 1,
          value: theirs === null ? null : theirs / ours,
          peer: absent ?? `rsync -z over ssh, ${count} at once, of ${bytes / 1e6} MB: seconds`,
          peerValue: theirs,
        },
        {
          name: 'files.unchanged_tree_s',
          unit: 's',
          target: { atMost: 1 },
          peer: null,
          peerValue: null,
          value: percentile(unchanged, 0.5),
          n: unchanged.length,
        },
      ]
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
}

/** Text, of which three quarters are left when it is compressed, as of much that is sent. */
async function writeLarge(path: string, bytes: number): Promise<void> {
  const file = await open(path, 'w')
  for (let left = bytes; left > 0; ) {
    const piece = Buffer.from(randomBytes(768 * 1024).toString('base64')).subarray(0, left)
    await file.write(piece)
    left -= piece.length
  }
  await file.close()
}

/** Seconds until all hosts have it, and what became of it. Throws unless all succeeded. */
async function transfer({ api }: BenchFleet, body: CallInput<'startTransfer'>['body'], everyMs: number) {
  const started = performance.now()
  const { transfer } = await api.call('startTransfer', { body })
  let shown: AdminResponse<'showTransfer'> | undefined
  const hasEnded = async () => {
    shown = await api.call('showTransfer', { params: { id: transfer.id } })
    return shown?.transfer.endedAt !== null
  }
  await poll(hasEnded, { timeoutMs: 1_200_000, everyMs, what: 'the transfer' })
  const seconds = (performance.now() - started) / 1000
  if (shown?.transfer.counts.success !== shown?.hosts.length)
    throw new Error(`not all hosts have it: ${JSON.stringify(shown?.hosts)}`)
  return { seconds, hosts: shown?.hosts ?? [] }
}

/** With the time in which the server takes it in and compresses it. */
async function sendOurs(fleet: BenchFleet, hosts: readonly Host[], file: string): Promise<number> {
  const started = performance.now()
  const sha256 = await fleet.api.addContent(createReadStream(file, { highWaterMark: 1024 * 1024 }))
  const takenS = (performance.now() - started) / 1000
  const names = hosts.map(({ name }) => name)
  const body = { hosts: names, destination: '/srv/ours', source: { kind: 'file' as const, sha256 } }
  const { seconds } = await transfer(fleet, body, LOOK_MS)
  return takenS + seconds
}

async function sendByRsync(fleet: BenchFleet, hosts: readonly Host[], file: string): Promise<number> {
  for (const host of hosts) await bringRsync(host)
  const known = join(dirname(file), 'known-hosts')
  const ssh = `ssh -F none -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=${known} -o LogLevel=ERROR -i ${fleet.bed.key.path}`
  const started = performance.now()
  await Promise.all(
    hosts.map((host) =>
      succeeded(
        spawn(RSYNC, ['-z', '-e', ssh, file, `root@${host.address}:/srv/theirs`], {
          stdio: ['ignore', 'ignore', 'inherit'],
        }),
        'rsync',
      ),
    ),
  )
  return (performance.now() - started) / 1000
}

/** The machine's own, with what it is linked to: the hosts reach no mirror. */
async function bringRsync(host: Host): Promise<void> {
  const stdout = await run('ldd', [RSYNC])
  const libraries = [...stdout.matchAll(/=> (\/\S+)/g)].map(([, path]) => path as string)
  for (const path of [RSYNC, ...libraries]) {
    const there = join(host.root, path)
    if (existsSync(there)) continue
    await mkdir(dirname(there), { recursive: true })
    await copyFile(path, there)
  }
}

/** Seconds from the request until the host has said that nothing differs. */
async function unchangedTree(fleet: BenchFleet, host: Host, log: (line: string) => void): Promise<number[]> {
  const lines: string[] = []
  for (let i = 0; i < TREE_FILES; i++) {
    const content = Buffer.from(`file ${i}\n`.repeat(50))
    const sha256 = createHash('sha256').update(content).digest('hex')
    await fleet.api.addContent(Readable.from([content]))
    lines.push(JSON.stringify({ path: `d${i % 100}/f${i}`, size: content.length, sha256, mode: 0o644 }))
  }
  const sha256 = await fleet.api.addContent(Readable.from([Buffer.from(lines.sort().join('\n'))]))
  const body = { hosts: [host.name], destination: '/srv/tree', source: { kind: 'tree' as const, sha256 } }
  const first = await transfer(fleet, body, SHORT_LOOK_MS)
  log(`${TREE_FILES} files anew: ${first.seconds.toFixed(1)} s`)
  const times: number[] = []
  for (let round = 0; round < TREE_ROUNDS; round++) {
    const { seconds, hosts } = await transfer(fleet, body, SHORT_LOOK_MS)
    if (hosts[0]?.filesWritten !== 0) throw new Error(`files were sent: ${JSON.stringify(hosts)}`)
    times.push(seconds)
  }
  log(`unchanged: ${times.map((s) => s.toFixed(2)).join(', ')} s`)
  return times
}
