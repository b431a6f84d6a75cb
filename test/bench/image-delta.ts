import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Host } from '../bed/index.ts'
import { run } from '../bed/tools.ts'
import type { BenchFleet } from './bench-fleet.ts'

const LONG = { imageBytes: 300_000_000, changedBytes: 10_000_000 }
const SHORT = { imageBytes: 60_000_000, changedBytes: 5_000_000 }
/** More would only wait for the same two cores. */
const SENT_AT_ONCE = 5
const NAME = 'registry.lan/bench/image'

interface Blob {
  digest: string
  size: number
}

/** The cost of the second version of an image on each host. */
export interface ImageDelta {
  /** For each host the bytes that came over its network, as a multiple of the changed layer. */
  ratios: number[]
  /** Seconds from the first request until all hosts had the second version. */
  seconds: number
}

/** Brings an image to hosts, then a version with one changed layer, and counts what their network devices received. */
export async function measureImageDelta(
  fleet: BenchFleet,
  hosts: readonly Host[],
  log: (line: string) => void,
  isShort: boolean,
): Promise<ImageDelta> {
  const { imageBytes, changedBytes } = isShort ? SHORT : LONG
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-bench-images-'))
  try {
    const base = await makeLayer(folder, imageBytes - changedBytes)
    for (const version of [1, 2]) {
      await addVersion(fleet, folder, [base, await makeLayer(folder, changedBytes)], version)
      log(`version ${version} of ${imageBytes / 1e6} MB is on the server`)
      if (version === 1) await sendToAll(fleet, hosts, 1, log)
    }
    const before = await Promise.all(hosts.map(receivedBytes))
    const began = performance.now()
    await sendToAll(fleet, hosts, 2, log)
    const seconds = (performance.now() - began) / 1000
    const after = await Promise.all(hosts.map(receivedBytes))
    return { ratios: after.map((bytes, index) => (bytes - (before[index] ?? 0)) / changedBytes), seconds }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const receivedBytes = async (host: Host): Promise<number> =>
  Number(await host.output(['cat', '/sys/class/net/host0/statistics/rx_bytes']))

async function sendToAll(
  { api }: BenchFleet,
  hosts: readonly Host[],
  version: number,
  log: (line: string) => void,
): Promise<void> {
  const waiting = hosts.values()
  let sent = 0
  const work = async () => {
    for (const { name } of waiting) {
      await api.call('sendImage', { params: { host: name }, body: { ref: `${NAME}:${version}` } })
      sent++
      if (sent % SENT_AT_ONCE === 0) log(`${sent} of ${hosts.length} hosts have version ${version}`)
    }
  }
  await Promise.all(Array.from({ length: SENT_AT_ONCE }, work))
}

/** Makes a layer with one file that cannot be packed, under its digest in an OCI layout. */
async function makeLayer(folder: string, bytes: number): Promise<Blob> {
  await run('sh', [
    '-ec',
    'head --bytes "$2" /dev/urandom > "$1/data"; tar -C "$1" -cf "$1/layer" data',
    'sh',
    folder,
    String(bytes),
  ])
  return keepBlob(folder, 'layer')
}

async function keepBlob(folder: string, file: string): Promise<Blob> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(join(folder, file)), hash)
  const name = hash.digest('hex')
  const blobs = join(folder, 'layout/blobs/sha256')
  await mkdir(blobs, { recursive: true })
  await rename(join(folder, file), join(blobs, name))
  return { digest: `sha256:${name}`, size: (await stat(join(blobs, name))).size }
}

async function addVersion(
  { api }: BenchFleet,
  folder: string,
  layers: readonly Blob[],
  version: number,
): Promise<void> {
  const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64'
  const diffIds = layers.map(({ digest }) => digest)
  const config = await keepJson(folder, {
    os: 'linux',
    architecture,
    rootfs: { type: 'layers', diff_ids: diffIds },
  })
  const type = 'application/vnd.oci.image'
  const manifest = await keepJson(folder, {
    schemaVersion: 2,
    config: { mediaType: `${type}.config.v1+json`, ...config },
    layers: layers.map((layer) => ({ mediaType: `${type}.layer.v1.tar`, ...layer })),
  })
  const manifests = [{ mediaType: `${type}.manifest.v1+json`, ...manifest }]
  const layout = join(folder, 'layout')
  await writeFile(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  await writeFile(join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }))
  const archive = join(folder, 'image.tar')
  await run('tar', ['-C', layout, '-cf', archive, '.'])
  const body = Readable.toWeb(createReadStream(archive)) as ReadableStream
  await api.upload('addImages', body, { query: { ref: `${NAME}:${version}` } })
}

async function keepJson(folder: string, content: object): Promise<Blob> {
  await writeFile(join(folder, 'json'), JSON.stringify(content))
  return keepBlob(folder, 'json')
}
