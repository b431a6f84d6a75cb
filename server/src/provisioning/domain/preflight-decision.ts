import type { ErrorCode } from '@rollcall/contracts'
import { isWithin } from './port-choice.ts'
import type { DiskReport, PreflightReport } from './preflight-report.ts'
import { stagingOf } from './staging-place.ts'

export type AgentArchitecture = 'x64' | 'arm64'

/** What an installation asks of a host. */
export interface PreflightNeeds {
  rpcPort: number
  /** Bytes that will be uploaded. */
  uploadBytes: number
  /** Why the user cannot become root; null when they can. */
  rootRefusal: { code: ErrorCode; message: string } | null
}

/** One thing that was looked at. `message` says what was found and, when not `ok`, what to do. */
export interface PreflightCheck {
  name: string
  ok: boolean
  /** Null when `ok`. */
  code: ErrorCode | null
  message: string
}

const MIB = 1024 ** 2
/** An agent with its own Node.js is about 130 MB unpacked, and lies beside the one before it while commands still run from that; tools are about 25 MB. */
export const OPT_BYTES = 450 * MIB
/** Configuration, units and the first output of commands. */
export const VAR_BYTES = 64 * MIB
const MIN_INODES = 5000
const MIN_GLIBC = [2, 28] as const
const MIN_SYSTEMD = 247
const MIN_PYTHON = [3, 9] as const

const ARCHITECTURES: Record<string, AgentArchitecture> = { x86_64: 'x64', aarch64: 'arm64' }

/** Which agent runs on this machine; undefined when none does. */
export const architectureOf = (report: PreflightReport): AgentArchitecture | undefined =>
  report.word_bits === '32' ? undefined : ARCHITECTURES[report.machine]

/** Everything a host must be and have, each said on its own, so that all that is missing is named at once. */
export function decidePreflight(report: PreflightReport, needs: PreflightNeeds): PreflightCheck[] {
  return [
    architecture(report),
    libc(report),
    systemd(report),
    python(report),
    root(report, needs),
    writable(report),
    ...disks(report, needs),
    port(report, needs),
  ]
}

const pass = (name: string, message: string): PreflightCheck => ({ name, ok: true, code: null, message })
const fail = (name: string, code: ErrorCode, message: string): PreflightCheck => ({
  name,
  ok: false,
  code,
  message,
})

function architecture(report: PreflightReport): PreflightCheck {
  const name = 'architecture'
  if (architectureOf(report)) return pass(name, report.machine)
  const is32 = report.word_bits === '32' ? ' with a 32-bit system on it' : ''
  return fail(
    name,
    'host.unsupported_architecture',
    `${report.machine || 'unknown'}${is32}. The agent runs on 64-bit x86_64 and aarch64 only; use such a host.`,
  )
}

function libc(report: PreflightReport): PreflightCheck {
  const name = 'C library'
  const code = 'host.unsupported_libc'
  const version = /^glibc (\d+)\.(\d+)/.exec(report.libc)
  if (version && isAtLeast(version, MIN_GLIBC)) return pass(name, report.libc)
  const wanted = 'The agent needs glibc 2.28 or newer (Debian 10, Ubuntu 18.10, RHEL 8 and later)'
  if (version) return fail(name, code, `${report.libc}. ${wanted}: upgrade the host's system.`)
  const found = /musl/i.test(report.libc) ? 'musl' : report.libc || 'unknown'
  return fail(name, code, `${found}. ${wanted}; distributions on musl, such as Alpine, are not supported.`)
}

function systemd(report: PreflightReport): PreflightCheck {
  const name = 'systemd'
  const code = 'host.no_systemd'
  const version = Number(/^systemd (\d{1,5})/.exec(report.systemd)?.[1] ?? Number.NaN)
  if (report.init !== 'systemd' || Number.isNaN(version))
    return fail(
      name,
      code,
      `the first process is ${report.init || 'unknown'}. The agent is a systemd service: boot the host with systemd (a plain container has none).`,
    )
  if (version < MIN_SYSTEMD)
    return fail(
      name,
      code,
      `version ${version}. Version ${MIN_SYSTEMD} or newer is needed: upgrade the host's system.`,
    )
  return pass(name, `version ${version}`)
}

function python(report: PreflightReport): PreflightCheck {
  const name = 'Python'
  const code = 'host.no_python'
  const version = /^(\d+)\.(\d+)\./.exec(report.python)
  const how = "Install it from the system's own packages (apt-get install python3, dnf install python3)"
  if (!version)
    return fail(name, code, `there is no python3. ${how}; nothing else is needed, and pip is not.`)
  if (!isAtLeast(version, MIN_PYTHON))
    return fail(name, code, `version ${report.python}; 3.9 or newer is needed. ${how}.`)
  if (report.python_lacks)
    return fail(
      name,
      code,
      `version ${report.python} lacks ${report.python_lacks}. Install the complete python3 (not python3-minimal), and mount /dev/shm.`,
    )
  return pass(name, `version ${report.python}`)
}

function root(report: PreflightReport, { rootRefusal }: PreflightNeeds): PreflightCheck {
  const name = 'root'
  if (rootRefusal) return fail(name, rootRefusal.code, rootRefusal.message)
  return pass(
    name,
    report.user === 'root' ? 'signed in as root' : `${report.user || 'the user'} may use sudo`,
  )
}

function writable(report: PreflightReport): PreflightCheck {
  const name = 'writable'
  const frozen = [report.disk_opt, report.disk_etc, report.disk_var].filter((disk) => disk.options.has('ro'))
  const places = new Set([...frozen.map((disk) => disk.mountPoint), ...(report.unwritable?.split(' ') ?? [])])
  places.delete('')
  if (places.size > 0)
    return fail(
      name,
      'host.read_only',
      `${[...places].join(', ')} cannot be written, not even by root. Mount read-write what /opt, /etc and /var are on (a read-only root after a disk error says so in dmesg).`,
    )
  if (report.disk_opt.options.has('noexec'))
    return fail(
      name,
      'host.read_only',
      `${report.disk_opt.mountPoint} is mounted noexec, so no agent can run from /opt. Mount it without noexec.`,
    )
  return pass(name, '/opt, /etc and /var')
}

/** One check per file system: what lies on the same one is added up. */
function disks(report: PreflightReport, { uploadBytes }: PreflightNeeds): PreflightCheck[] {
  const staging = stagingOf(report, uploadBytes)
  const uses = [
    {
      disk: report.disk_opt,
      bytes: OPT_BYTES,
      what: '/opt (the agent, room for its next version beside it, and tools)',
    },
    { disk: report.disk_var, bytes: VAR_BYTES, what: '/var (output of commands)' },
    { disk: staging.disk, bytes: uploadBytes, what: `${staging.path} (what is uploaded)` },
  ]
  return [...new Set(uses.map(({ disk }) => disk.mountPoint))].map((mountPoint) => {
    const shares = uses.filter(({ disk }) => disk.mountPoint === mountPoint)
    const needed = shares.reduce((sum, { bytes }) => sum + bytes, 0)
    return diskCheck(
      mountPoint,
      shares[0]?.disk,
      needed,
      shares.map(({ what }) => what),
    )
  })
}

function diskCheck(
  mountPoint: string,
  disk: DiskReport | undefined,
  needed: number,
  uses: string[],
): PreflightCheck {
  const name = `disk ${mountPoint}`
  if (disk?.freeBytes !== undefined && disk.freeBytes < needed)
    return fail(
      name,
      'host.no_disk',
      `${megabytes(disk.freeBytes)} free; ${megabytes(needed)} are needed for ${uses.join(', ')}. Make room there or mount something larger.`,
    )
  // File systems without a fixed number of inodes say 0 of 0.
  if (disk?.freeInodes !== undefined && disk.freeInodes > 0 && disk.freeInodes < MIN_INODES)
    return fail(
      name,
      'host.no_disk',
      `only ${disk.freeInodes} inodes are free; ${MIN_INODES} are needed. Remove small files there.`,
    )
  return pass(
    name,
    disk?.freeBytes === undefined
      ? 'free space unknown'
      : `${megabytes(disk.freeBytes)} free, ${megabytes(needed)} needed`,
  )
}

/** Whether a port is in use by something that is not the agent this installation replaces. */
export const isPortTaken = (report: PreflightReport, rpcPort: number): boolean =>
  report.listening.has(rpcPort) && !report.agent_ports.has(rpcPort)

/**
 * Whether an agent that nobody depends on yet is better given another port: its own is taken or, unless somebody has chosen it, one that this
 * kernel gives to outgoing connections.
 */
export const isPortBetterChanged = (report: PreflightReport, rpcPort: number, isGiven: boolean): boolean =>
  isPortTaken(report, rpcPort) ||
  (!isGiven &&
    report.ephemeral !== undefined &&
    isWithin(report.ephemeral, rpcPort) &&
    !report.agent_ports.has(rpcPort))

function port(report: PreflightReport, { rpcPort, rootRefusal }: PreflightNeeds): PreflightCheck {
  const name = 'port'
  if (!isPortTaken(report, rpcPort))
    return pass(name, `${rpcPort} is ${report.agent_ports.has(rpcPort) ? "our agent's" : 'free'}`)
  if (rootRefusal) return pass(name, `${rpcPort} is in use; only root sees whether by our own agent`)
  return fail(
    name,
    'host.port_taken',
    `something else listens on ${rpcPort}. See with "ss -ltnp" what it is and stop it, or give the agent another port: rollcall host set NAME --agent-port 8000-32767`,
  )
}

function isAtLeast(version: RegExpExecArray, [major, minor]: readonly [number, number]): boolean {
  const [found, foundMinor] = [Number(version[1]), Number(version[2])]
  return found > major || (found === major && foundMinor >= minor)
}

const megabytes = (bytes: number) => `${Math.floor(bytes / MIB)} MiB`
