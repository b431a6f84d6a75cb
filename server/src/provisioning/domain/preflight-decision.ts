import type { ErrorCode } from '@rollcall/contracts'
import { isWithin } from './port-choice.ts'
import type { DiskReport, PreflightReport } from './preflight-report.ts'
import { chooseStaging } from './staging-place.ts'

/** The upload size that is assumed while the architecture is unknown, in bytes. */
export const TYPICAL_UPLOAD_BYTES = 64 * 1024 ** 2

export type AgentArchitecture = 'x64' | 'arm64'

/** The requirements of an installation. */
export interface PreflightNeeds {
  rpcPort: number
  /** The number of bytes to upload. */
  uploadBytes: number
  /** Why the user cannot become root; null if they can. */
  rootRefusal: { code: ErrorCode; message: string } | null
}

/** A finding. `message` says what was found and, if not `ok`, what to do. */
export interface PreflightCheck {
  name: string
  ok: boolean
  /** Null if `ok`. */
  code: ErrorCode | null
  message: string
}

const MIB = 1024 ** 2
/**
 * An agent with Node.js unpacks to about 130 MB and coexists with its predecessor while commands still run; tools need
 * about 25 MB.
 */
export const OPT_BYTES = 450 * MIB
/** Configuration, units and the first output of commands. */
export const VAR_BYTES = 64 * MIB
const MIN_INODES = 5000
const MIN_GLIBC = [2, 28] as const
const MIN_SYSTEMD = 247
const MIN_PYTHON = [3, 9] as const

const ARCHITECTURES: Record<string, AgentArchitecture> = { x86_64: 'x64', aarch64: 'arm64' }

/** Returns the agent architecture for a machine; undefined if there is no agent for it. */
export const toArchitecture = (report: PreflightReport): AgentArchitecture | undefined =>
  report.word_bits === '32' ? undefined : ARCHITECTURES[report.machine]

/** Decides all requirements of a host separately, so that everything missing is reported at once. Pure. */
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
  if (toArchitecture(report)) return pass(name, report.machine)
  const is32 = report.word_bits === '32' ? ' with a 32-bit system on it' : ''
  return fail(
    name,
    'host.unsupported_architecture',
    `${report.machine || 'unknown'}${is32}. The agent supports only 64-bit x86_64 and aarch64.`,
  )
}

function libc(report: PreflightReport): PreflightCheck {
  const name = 'C library'
  const code = 'host.unsupported_libc'
  const version = /^glibc (\d+)\.(\d+)/.exec(report.libc)
  if (version && isAtLeast(version, MIN_GLIBC)) return pass(name, report.libc)
  const wanted = 'The agent needs glibc 2.28 or newer (Debian 10, Ubuntu 18.10, RHEL 8 and later)'
  if (version) return fail(name, code, `${report.libc}. ${wanted}: upgrade the operating system.`)
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
      `the init process is ${report.init || 'unknown'}. The agent is a systemd service: boot the host with systemd (a plain container has none).`,
    )
  if (version < MIN_SYSTEMD)
    return fail(
      name,
      code,
      `version ${version}. Version ${MIN_SYSTEMD} or newer is required: upgrade the operating system.`,
    )
  return pass(name, `version ${version}`)
}

function python(report: PreflightReport): PreflightCheck {
  const name = 'Python'
  const code = 'host.no_python'
  const version = /^(\d+)\.(\d+)\./.exec(report.python)
  const how = "Install it from the system's own packages (apt-get install python3, dnf install python3)"
  if (!version) return fail(name, code, `python3 is missing. ${how}; pip is not needed.`)
  if (!isAtLeast(version, MIN_PYTHON))
    return fail(name, code, `version ${report.python}; 3.9 or newer is required. ${how}.`)
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
      `${[...places].join(', ')} cannot be written even by root. Mount /opt, /etc and /var read-write (dmesg shows whether a disk error made the root read-only).`,
    )
  if (report.disk_opt.options.has('noexec'))
    return fail(
      name,
      'host.read_only',
      `${report.disk_opt.mountPoint} is mounted noexec, so no agent can run from /opt. Mount it without noexec.`,
    )
  return pass(name, '/opt, /etc and /var')
}

/** Makes one check per file system and adds up what it must hold. */
function disks(report: PreflightReport, { uploadBytes }: PreflightNeeds): PreflightCheck[] {
  const staging = chooseStaging(report, uploadBytes)
  const uses = [
    {
      disk: report.disk_opt,
      bytes: OPT_BYTES,
      what: '/opt (the agent, space for its next version, and tools)',
    },
    { disk: report.disk_var, bytes: VAR_BYTES, what: '/var (command output)' },
    { disk: staging.disk, bytes: uploadBytes, what: `${staging.path} (uploads)` },
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
      `${megabytes(disk.freeBytes)} free; ${megabytes(needed)} are required for ${uses.join(', ')}. Free some space or mount a larger disk.`,
    )
  // File systems without a fixed number of inodes report 0 of 0.
  if (disk?.freeInodes !== undefined && disk.freeInodes > 0 && disk.freeInodes < MIN_INODES)
    return fail(
      name,
      'host.no_disk',
      `only ${disk.freeInodes} inodes are free; ${MIN_INODES} are required. Remove small files there.`,
    )
  return pass(
    name,
    disk?.freeBytes === undefined
      ? 'free space unknown'
      : `${megabytes(disk.freeBytes)} free, ${megabytes(needed)} required`,
  )
}

/** Returns whether something other than the agent to be replaced uses the port. */
export const isPortTaken = (report: PreflightReport, rpcPort: number): boolean =>
  report.listening.has(rpcPort) && !report.agent_ports.has(rpcPort)

/**
 * Returns whether an agent that nothing depends on yet needs another port: its port is in use or, unless configured,
 * ephemeral.
 */
export const needsOtherPort = (report: PreflightReport, rpcPort: number, isGiven: boolean): boolean =>
  isPortTaken(report, rpcPort) ||
  (!isGiven &&
    report.ephemeral !== undefined &&
    isWithin(report.ephemeral, rpcPort) &&
    !report.agent_ports.has(rpcPort))

function port(report: PreflightReport, { rpcPort, rootRefusal }: PreflightNeeds): PreflightCheck {
  const name = 'port'
  if (!isPortTaken(report, rpcPort))
    return pass(name, `${rpcPort} is ${report.agent_ports.has(rpcPort) ? "our agent's" : 'free'}`)
  if (rootRefusal) return pass(name, `${rpcPort} is in use; only root can see whether by our agent`)
  return fail(
    name,
    'host.port_taken',
    `another program listens on ${rpcPort}. Find it with "ss -ltnp" and stop it, or choose another port: rollcall host set NAME --agent-port 8000-32767`,
  )
}

function isAtLeast(version: RegExpExecArray, [major, minor]: readonly [number, number]): boolean {
  const [found, foundMinor] = [Number(version[1]), Number(version[2])]
  return found > major || (found === major && foundMinor >= minor)
}

const megabytes = (bytes: number) => `${Math.floor(bytes / MIB)} MiB`
