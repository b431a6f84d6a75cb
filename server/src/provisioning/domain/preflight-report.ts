import { RollcallError, sanitizeText } from '@rollcall/contracts'
import type { PortRange } from '@rollcall/contracts/admin'
import { z } from 'zod'

/** The maximum size of a report; a longer one is rejected. */
export const MAX_REPORT_BYTES = 64 * 1024

const BEGIN = 'rollcall-preflight-begin'
const END = 'rollcall-preflight-end'
const MAX_PORTS = 8192

const text = (maxLength: number) => z.string().transform((value) => sanitizeText(value.trim(), maxLength))
const path = z
  .string()
  .max(1024)
  .regex(/^\/[^\p{Cc}]*$/u)
  .refine((value) => !value.split('/').includes('..'))
const count = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER)

const ports = z.string().transform((list, context): ReadonlySet<number> => {
  const items = list === '' ? [] : list.split(',', MAX_PORTS)
  if (items.every((item) => /^[0-9A-Fa-f]{4}$/.test(item)))
    return new Set(items.map((item) => Number.parseInt(item, 16)))
  context.addIssue('is not a list of hexadecimal ports')
  return z.NEVER
})

/** "freeKiB freeInodes mountPoint options", each of which an unusual `df` may omit. */
const disk = z.string().transform((line) => {
  const [kib = '', inodes = '', mountPoint = '/', options = ''] = line.split(' ')
  const known = (value: string) => (/^\d{1,15}$/.test(value) ? Number(value) : undefined)
  const freeKib = known(kib)
  return {
    freeBytes: freeKib === undefined ? undefined : freeKib * 1024,
    freeInodes: known(inodes),
    mountPoint: sanitizeText(mountPoint, 200),
    options: new Set(options.split(',', 64)),
  }
})
export type DiskReport = z.infer<typeof disk>

/** `/etc/machine-id`; undefined if the host has none yet. */
const machineId = z
  .string()
  .transform((value) =>
    /^[0-9a-f]{32}$/.test(value.trim()) && !/^0+$/.test(value) ? value.trim() : undefined,
  )

/** "32768	60999"; undefined if unreadable. */
const portRange = z.string().transform((line): PortRange | undefined => {
  const [, first, last] = /^(\d{1,5})\s+(\d{1,5})$/.exec(line.trim()) ?? []
  return first === undefined ? undefined : { first: Number(first), last: Number(last) }
})

/** The recorded owner of the agent: the ids of the fleet and its host. */
const owner = z.string().transform((line) => {
  const [, fleetId, hostId] = OWNER.exec(line.trim()) ?? []
  return fleetId === undefined || hostId === undefined ? undefined : { fleetId, hostId }
})
const OWNER = /^([0-9a-f-]{36})\/([0-9a-f-]{36})$/

const reportShape = z.object({
  uid: count,
  user: text(64),
  machine: text(32),
  kernel: text(100),
  word_bits: text(8),
  os: text(100),
  libc: text(200),
  init: text(32),
  systemd: text(200),
  python: text(32),
  python_lacks: text(400),
  home: path.optional(),
  /** The identity of the home folder as seen by its user and by root; empty if it is not accessible. */
  home_id: text(32).optional(),
  home_seen: text(32).optional(),
  disk_opt: disk,
  disk_etc: disk,
  disk_var: disk,
  disk_home: disk,
  disk_var_tmp: disk,
  is_root: z.literal('yes').optional(),
  unwritable: text(400).optional(),
  /** Names of the complete agent releases on the host. */
  releases: z
    .string()
    .max(8192)
    .transform((list) => new Set(list.split(' ', 100)))
    .optional(),
  tools: text(100).optional(),
  machine_id: machineId.optional(),
  /** The kernel's ephemeral ports. */
  ephemeral: portRange.optional(),
  agent_owner: owner.optional(),
  /** The SHA-256 of the agent's certificate file; only if there is an agent. */
  agent_certificate: z
    .string()
    .transform((line) => /^[0-9a-f]{64}/.exec(line)?.[0])
    .optional(),
  /** Pins of the servers that the agent accepts; only if there is an agent. */
  agent_servers: z
    .string()
    .max(2048)
    .transform((list) => list.split(',', 16).map((pin) => pin.replaceAll('"', '')))
    .optional(),
  listening: ports,
  agent_ports: ports,
})

/** The report of `preflight.sh`. The host wrote all of it: it is bounded and well-formed, but not trustworthy. */
export type PreflightReport = z.infer<typeof reportShape>

/**
 * Parses the output of `preflight.sh`, which a login shell may surround with noise. Throws `host.preflight_unreadable`.
 */
export function parsePreflight(output: string): PreflightReport {
  const begin = output.lastIndexOf(`${BEGIN}\n`)
  const end = output.indexOf(`\n${END}`, begin)
  if (output.length > MAX_REPORT_BYTES || begin < 0 || end < 0)
    throw unreadable('it is incomplete or too long')
  const fields: Record<string, string> = Object.create(null)
  for (const line of output.slice(begin + BEGIN.length + 1, end).split('\n')) {
    const equals = line.indexOf('=')
    if (equals > 0) fields[line.slice(0, equals)] = line.slice(equals + 1)
  }
  const parsed = reportShape.safeParse(fields)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw unreadable(`"${issue?.path.join('.')}": ${issue?.message}`)
}

const unreadable = (why: string) =>
  new RollcallError(
    'host.preflight_unreadable',
    `The preflight report of the host is unreadable (${why}). Check that sh works on the host and that /proc is mounted.`,
  )
