import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { RollcallError, sanitizeText } from '@rollcall/contracts'
import { extract } from 'tar-stream'
import { z } from 'zod'

export interface ReleaseIdentity {
  version: string
  architecture: 'x64' | 'arm64'
}

/** Above what Node itself takes, several times. */
const MAX_UNPACKED_BYTES = 1024 * 1024 * 1024
const HEAD_BYTES = 4096
/** Of an ELF file: where it says for which machine it is, and what it says there. */
const MACHINE_AT = 18
const MACHINES = new Map<number, ReleaseIdentity['architecture']>([
  [62, 'x64'],
  [183, 'arm64'],
])
const WANTED = ['VERSION', 'agent.mjs', 'bin/node'] as const
const versionFile = z.object({ version: z.string().regex(/^[0-9A-Za-z.+-]{1,64}$/) })

/**
 * Reads an agent's archive to its end, and says which release it holds. What it does on a host is found out there, where it is tried.
 * @throws `release.refused` for what is damaged, cut off, or no agent.
 */
export async function readRelease(archive: AsyncIterable<Buffer>): Promise<ReleaseIdentity> {
  const heads = new Map<string, Buffer>()
  const members = extract()
  let unpacked = 0
  members.on('entry', (header, stream, next) => {
    const name = header.name.replace(/^\.\//, '')
    const isWanted = WANTED.some((each) => each === name)
    const parts: Buffer[] = []
    let held = 0
    stream.on('data', (part: Buffer) => {
      unpacked += part.length
      if (unpacked > MAX_UNPACKED_BYTES)
        members.destroy(refused(`unpacked, it has more than ${MAX_UNPACKED_BYTES} bytes`))
      if (!isWanted || held >= HEAD_BYTES) return
      parts.push(part)
      held += part.length
    })
    stream.on('error', () => undefined) // thrown below
    stream.on('end', () => {
      if (isWanted) heads.set(name, Buffer.concat(parts).subarray(0, HEAD_BYTES))
      next()
    })
  })
  try {
    await pipeline(archive, createGunzip(), members)
  } catch (error) {
    if (error instanceof RollcallError) throw error
    throw refused('it is no .tar.gz, or it is damaged or cut off', error)
  }
  const missing = WANTED.find((name) => !heads.has(name))
  if (missing) throw refused(`it holds no ${missing}`)
  return { version: versionIn(heads), architecture: architectureIn(heads) }
}

function versionIn(heads: Map<string, Buffer>): string {
  const text = heads.get('VERSION')?.toString('utf8') ?? ''
  try {
    return versionFile.parse(JSON.parse(text)).version
  } catch (error) {
    throw refused(`its VERSION is ${sanitizeText(text, 100)}`, error)
  }
}

function architectureIn(heads: Map<string, Buffer>): ReleaseIdentity['architecture'] {
  const head = heads.get('bin/node') ?? Buffer.alloc(0)
  const isProgram = head.length > MACHINE_AT + 1 && head.toString('latin1', 0, 4) === '\x7fELF'
  const architecture = isProgram ? MACHINES.get(head.readUInt16LE(MACHINE_AT)) : undefined
  if (architecture) return architecture
  throw refused('its bin/node is no program for x64 or arm64')
}

const refused = (why: string, cause?: unknown) =>
  new RollcallError('release.refused', `The archive is no release of the agent: ${why}.`, { cause })
