import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { RollcallError, sanitizeText } from '@rollcall/contracts'
import { extract } from 'tar-stream'
import { z } from 'zod'

export interface ReleaseIdentity {
  version: string
  architecture: 'x64' | 'arm64'
}

/** The upper bound for the unpacked archive, several times the size of Node.js. */
const MAX_UNPACKED_BYTES = 1024 * 1024 * 1024
const HEAD_BYTES = 4096
/** The offset and the values of the machine field in an ELF header. */
const MACHINE_AT = 18
const MACHINES = new Map<number, ReleaseIdentity['architecture']>([
  [62, 'x64'],
  [183, 'arm64'],
])
const REQUIRED_FILES = ['VERSION', 'agent.mjs', 'bin/node'] as const
const versionFile = z.object({ version: z.string().regex(/^[0-9A-Za-z.+-]{1,64}$/) })

/**
 * Reads an agent archive to its end and returns the release it contains. Throws `release.refused` if the archive is
 * damaged, truncated or not an agent.
 */
export async function readRelease(archive: AsyncIterable<Buffer>): Promise<ReleaseIdentity> {
  const heads = new Map<string, Buffer>()
  const members = extract()
  let unpacked = 0
  members.on('entry', (header, stream, next) => {
    const name = header.name.replace(/^\.\//, '')
    const isWanted = REQUIRED_FILES.some((each) => each === name)
    const parts: Buffer[] = []
    let bufferedBytes = 0
    stream.on('data', (part: Buffer) => {
      unpacked += part.length
      if (unpacked > MAX_UNPACKED_BYTES)
        members.destroy(refused(`it unpacks to more than ${MAX_UNPACKED_BYTES} bytes`))
      if (!isWanted || bufferedBytes >= HEAD_BYTES) return
      parts.push(part)
      bufferedBytes += part.length
    })
    stream.on('error', () => undefined) // the pipeline below throws it
    stream.on('end', () => {
      if (isWanted) heads.set(name, Buffer.concat(parts).subarray(0, HEAD_BYTES))
      next()
    })
  })
  try {
    await pipeline(archive, createGunzip(), members)
  } catch (error) {
    if (error instanceof RollcallError) throw error
    throw refused('it is not a .tar.gz file, or it is damaged or truncated', error)
  }
  const missing = REQUIRED_FILES.find((name) => !heads.has(name))
  if (missing) throw refused(`it does not contain ${missing}`)
  return { version: readVersion(heads), architecture: readArchitecture(heads) }
}

function readVersion(heads: Map<string, Buffer>): string {
  const text = heads.get('VERSION')?.toString('utf8') ?? ''
  try {
    return versionFile.parse(JSON.parse(text)).version
  } catch (error) {
    throw refused(`its VERSION is ${sanitizeText(text, 100)}`, error)
  }
}

function readArchitecture(heads: Map<string, Buffer>): ReleaseIdentity['architecture'] {
  const head = heads.get('bin/node') ?? Buffer.alloc(0)
  const isProgram = head.length > MACHINE_AT + 1 && head.toString('latin1', 0, 4) === '\x7fELF'
  const architecture = isProgram ? MACHINES.get(head.readUInt16LE(MACHINE_AT)) : undefined
  if (architecture) return architecture
  throw refused('its bin/node is not a program for x64 or arm64')
}

const refused = (why: string, cause?: unknown) =>
  new RollcallError('release.refused', `The archive is not a release of the agent: ${why}.`, { cause })
