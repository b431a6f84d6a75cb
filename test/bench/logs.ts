import { createHash } from 'node:crypto'
import type { CommandView } from '@rollcall/contracts/admin'
import type { Host } from '../bed/index.ts'
import type { Api } from '../fleet/api.ts'
import { BenchFleet } from './bench-fleet.ts'
import type { Benchmark } from './figure.ts'
import { MemoryWatch } from './memory-watch.ts'
import { SshPeer } from './ssh-peer.ts'

const BYTES = 1_000_000_000
const WARM_UP_BYTES = 50_000_000
/** Far above what the target allows: what takes longer hangs. */
const TIMEOUT_MS = 180_000
const PAGE_BYTES = 4 * 1024 * 1024

export const logs: Benchmark = {
  summary:
    'one command that writes 1 GB: how fast it is stored, whole, and what memory the server needs for it',
  async run(log) {
    await using fleet = await BenchFleet.open('logs', log)
    const host = await fleet.oneOnline()
    const warmUp = await noiseFile(host, 'warm-up', WARM_UP_BYTES)
    const noise = await noiseFile(host, 'noise', BYTES)

    await store(fleet, warmUp)
    const watch = await MemoryWatch.start(fleet.server.pid)
    const levelMb = watch.lastMb
    const { command, seconds } = await store(fleet, noise)
    const peakMb = await watch.stop()
    log(
      `${command.outputBytes} bytes in ${seconds.toFixed(1)} s; the server went from ${levelMb.toFixed(0)} to ${peakMb.toFixed(0)} MB`,
    )

    await using ssh = await SshPeer.open(fleet.bed, host)
    await ssh.drainedMs('cat', warmUp.path)
    const peerMs = await ssh.drainedMs('cat', noise.path)

    const readBack = await sha256Of(fleet.api, command)
    if (readBack !== noise.sha256)
      throw new Error(`the stored output hashes to ${readBack}, the host's file to ${noise.sha256}`)
    log('what the API gives back has the same SHA-256 as the file on the host')
    const mb = BYTES / 1e6
    return [
      {
        name: 'logs.mb_per_s',
        value: mb / seconds,
        unit: 'MB/s',
        target: { atLeast: 40 },
        peer: 'ssh host cat FILE > /dev/null',
        peerValue: mb / (peerMs / 1000),
        n: 1,
      },
      {
        name: 'logs.server_rss_growth_mb',
        value: Math.max(0, peakMb - levelMb),
        unit: 'MB',
        target: { atMost: 50 },
        peer: null,
        peerValue: null,
        n: watch.samples,
      },
    ]
  },
}

interface NoiseFile {
  path: string
  bytes: number
  sha256: string
}

/** Bytes that nothing can compress, made before anything is measured. */
async function noiseFile(host: Host, name: string, bytes: number): Promise<NoiseFile> {
  const path = `/var/tmp/${name}`
  const script = 'head -c "$2" /dev/urandom > "$1" && sync "$1" && sha256sum "$1"'
  const answer = await host.output(['sh', '-ec', script, 'sh', path, String(bytes)], {
    timeoutMs: TIMEOUT_MS,
  })
  return { path, bytes, sha256: answer.split(' ')[0] ?? '' }
}

/** Runs `cat` until it has ended well and every byte is stored; seconds from its acceptance. */
async function store(
  { api, server }: BenchFleet,
  { path, bytes }: NoiseFile,
): Promise<{ command: CommandView; seconds: number }> {
  const [accepted] = await api.run({ hosts: ['one'], program: 'cat', args: [path] })
  const started = performance.now()
  const command = await api.ended(accepted?.id ?? '', TIMEOUT_MS).catch((cause) => {
    throw new Error(
      `cat of ${bytes} bytes does not end. The server's last words:\n${server.lines.slice(-20).join('\n')}`,
      { cause },
    )
  })
  const seconds = (performance.now() - started) / 1000
  if (command.state !== 'success' || command.outputBytes !== bytes || command.droppedBytes !== 0)
    throw new Error(`cat of ${bytes} bytes: ${JSON.stringify(command)}`)
  return { command, seconds }
}

/** Page by page, as a program reads it. */
async function sha256Of(api: Api, { id, outputBytes }: CommandView): Promise<string> {
  const hash = createHash('sha256')
  let offset = 0
  while (offset < outputBytes) {
    const page = await api.call('readOutput', { params: { id }, query: { offset, maxBytes: PAGE_BYTES } })
    if (page.nextOffset <= offset) throw new Error(`the output ends at ${offset} of ${outputBytes} bytes`)
    for (const chunk of page.chunks) hash.update(Buffer.from(chunk.data, 'base64'))
    offset = page.nextOffset
  }
  return hash.digest('hex')
}
