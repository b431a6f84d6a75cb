import type { ControlGroup } from './cgroup.ts'
import { setLink } from './network.ts'
import { type Output, run } from './tools.ts'

export interface FaultTarget {
  port: string
  group: ControlGroup
  initPid(): Promise<number>
  exec(argv: readonly string[]): Promise<Output>
}

const TABLE = 'inet rollcall_bed'
const FILLER = '.rollcall-bed-filler'
const MEBIBYTE = 2 ** 20

// The host's own loopback stays: a host that is cut off still talks to itself.
const dropRules = `table ${TABLE} {
  chain incoming { type filter hook input priority -300; policy drop; iifname "lo" accept; }
  chain outgoing { type filter hook output priority -300; policy drop; oifname "lo" accept; }
}
`

/** Faults that a host suffers from outside, each with its undoing. Each is idempotent. */
export class Faults {
  readonly #target: FaultTarget

  constructor(target: FaultTarget) {
    this.#target = target
  }

  async freeze(): Promise<void> {
    await this.#target.group.setFrozen(true)
  }

  async thaw(): Promise<void> {
    await this.#target.group.setFrozen(false)
  }

  async cut(): Promise<void> {
    await setLink(this.#target.port, 'down')
  }

  async mend(): Promise<void> {
    await setLink(this.#target.port, 'up')
  }

  async dropTraffic(): Promise<void> {
    await this.restore()
    await this.#nft(dropRules)
  }

  async restore(): Promise<void> {
    // Declaring it first makes the deletion right whether or not it was there.
    await this.#nft(`table ${TABLE}\ndelete table ${TABLE}\n`)
  }

  /**
   * Puts a small disk under `path`, holding a copy of what is there now, and fills it to the last byte.
   * After `freeDisk` it has `roomBytes` (1 MiB) to spare. It is memory: power-off and reboot bring back the real
   * disk as it was before. Files held open beforehand stay on the real disk.
   */
  async fillDisk(path: string, roomBytes = MEBIBYTE): Promise<void> {
    const mounted = await this.#target.exec([
      'findmnt',
      '--noheadings',
      '--output=FSTYPE',
      '--mountpoint',
      path,
    ])
    if (mounted.stdout.trim() !== 'tmpfs') await this.#mountSmallDisk(path, roomBytes)
    const { exitCode, stderr } = await this.#target.exec([
      'dd',
      'if=/dev/zero',
      `of=${path}/${FILLER}`,
      'bs=4096',
    ])
    if (exitCode !== 1 || !stderr.includes('No space left'))
      throw new Error(`could not fill ${path}: ${stderr}`)
  }

  /** Makes room again on what `fillDisk` filled. */
  async freeDisk(path: string): Promise<void> {
    await this.#inside(['rm', '--force', `${path}/${FILLER}`])
  }

  async #mountSmallDisk(path: string, roomBytes: number): Promise<void> {
    await this.#inside(['mkdir', '--parents', path])
    const [used] = (await this.#inside(['du', '--summarize', '--block-size=1', path])).split('\t')
    const staging = await this.#inside(['mktemp', '--directory', '/run/bed-disk.XXXXXX'])
    await this.#inside([
      'mount',
      '-t',
      'tmpfs',
      '-o',
      `size=${Number(used) + roomBytes}`,
      'rollcall-bed',
      staging,
    ])
    await this.#inside(['cp', '--archive', '--no-target-directory', path, staging])
    // A shared mount cannot be moved: bind it to its place, then let go of where it was filled.
    await this.#inside(['mount', '--bind', staging, path])
    await this.#inside(['umount', staging])
    await this.#inside(['rmdir', staging])
  }

  async #inside(argv: readonly string[]): Promise<string> {
    const { stdout, stderr, exitCode } = await this.#target.exec(argv)
    if (exitCode !== 0) throw new Error(`${argv.join(' ')} exited ${exitCode} inside the host: ${stderr}`)
    return stdout
  }

  /** The machine's own nft, in the host's network: the host need not have one, and cannot see it done. */
  async #nft(rules: string): Promise<void> {
    const pid = await this.#target.initPid()
    await run('nsenter', ['--target', String(pid), '--net', '--', 'nft', '--file', '-'], { input: rules })
  }
}
