import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RollcallError, sanitizeText } from '@rollcall/contracts'
import type { OutgoingAddresses } from '../../platform/network/outgoing-addresses.ts'
import { type BoundedResult, runBounded } from '../../platform/processes/run-bounded.ts'
import { type PinnedRemote, pinRemote, remoteOf } from './pinned-remote.ts'

export interface GitCommit {
  /** Checked by whoever asks: it reaches git behind `--`. */
  url: string
  /** Whole, in hexadecimal. */
  commit: string
}

const TIMEOUT_MS = 40_000
/** Bounds, in blocks of 512 bytes, the largest file that git may write, which holds all that it fetches. */
const MAX_FILE_BLOCKS = (64 * 1024 * 1024) / 512
/** Runs git with a limit on files, which `$0` gives. */
const LIMITED = ['/bin/sh', '-c', 'ulimit -f "$0" && exec "$@"', String(MAX_FILE_BLOCKS)] as const
/** Overrides the settings of a repository and of this machine: no hooks, no credentials, no program that git would start. */
const SETTINGS = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'credential.helper=',
  'http.followRedirects=false',
  'protocol.ext.allow=never',
  'transfer.fsckObjects=true',
  // One file that the limit counts, and no thousands of small ones.
  'fetch.unpackLimit=1',
  'gc.auto=0',
].flatMap((setting) => ['-c', setting])

/** Fetches the files of one commit of a remote repository, bounded in time and size, and never prompts for a password. */
export class GitSource {
  constructor(
    private readonly outgoing: OutgoingAddresses,
    private readonly protocols: readonly string[] = ['https', 'ssh'],
  ) {}

  /**
   * A tar archive, not compressed, of at most `maxBytes`. The content is that of the commit, whose hash git verifies.
   * Throws `collection.git_failed` with what git said, `collection.refused` for what is too large, and `host.address_refused`.
   */
  async archive({ url, commit }: GitCommit, maxBytes: number): Promise<Buffer> {
    const remote = await this.reach(url)
    const folder = await mkdtemp(join(tmpdir(), 'rollcall-git-'))
    const deadline = performance.now() + TIMEOUT_MS
    const git = (...args: string[]) => this.run(folder, remote, args, deadline, maxBytes)
    try {
      needSuccess(await git('init', '--quiet', '--bare', '--template=', '.'))
      const fetch = ['fetch', '--quiet', '--depth=1', '--no-tags', '--no-recurse-submodules']
      needSuccess(await git(...fetch, '--', remote.url, commit))
      // What was named may be a tag or a folder, whose hash is another thing than a commit's.
      const { stdout } = needSuccess(await git('rev-parse', '--verify', '--quiet', `${commit}^{commit}`))
      if (stdout.toString('utf8').trim() !== commit)
        throw gitFailed(`${commit} is no commit of that repository`)
      return needSuccess(await git('archive', '--format=tar', `${commit}^{tree}`)).stdout
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }

  /** Resolves the repository's host once, and judges what it stands for. */
  private async reach(url: string): Promise<PinnedRemote> {
    if (URL.parse(url)?.protocol === 'file:' && this.protocols.includes('file')) return unpinned(url)
    const { host, url: parsed } = remoteOf(url)
    const [address] = await this.outgoing.resolve(host).catch((error: unknown) => {
      if (error instanceof RollcallError) throw error
      return []
    })
    if (address !== undefined) return pinRemote(url, address)
    // A proxy may know names that this machine does not; where it then connects to is its own decision.
    if (parsed.protocol === 'https:' && (surroundings().HTTPS_PROXY ?? surroundings().https_proxy))
      return unpinned(parsed.href)
    throw gitFailed(`the name ${host} cannot be resolved`)
  }

  private run(
    folder: string,
    { settings, ssh }: PinnedRemote,
    args: string[],
    deadline: number,
    maxStdoutBytes: number,
  ): Promise<BoundedResult> {
    return runBounded({
      argv: [...LIMITED, 'git', ...SETTINGS, ...settings, ...args],
      cwd: folder,
      timeoutMs: Math.max(1, deadline - performance.now()),
      maxStdoutBytes,
      env: {
        ...surroundings(),
        PATH: process.env.PATH ?? '/usr/bin:/bin',
        HOME: folder,
        LC_ALL: 'C.UTF-8',
        GIT_ALLOW_PROTOCOL: this.protocols.join(':'),
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_CONFIG_GLOBAL: '/dev/null',
        GIT_TERMINAL_PROMPT: '0',
        GIT_ASKPASS: '/bin/false',
        GIT_SSH_COMMAND: ssh,
      },
    })
  }
}

const unpinned = (url: string): PinnedRemote => ({ url, settings: [], ssh: 'false' })

/** How this machine reaches others, and whom it trusts. */
const surroundings = (): Record<string, string> =>
  Object.fromEntries(
    ['HTTPS_PROXY', 'https_proxy', 'NO_PROXY', 'no_proxy', 'GIT_SSL_CAINFO'].flatMap((name) => {
      const value = process.env[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )

function needSuccess(end: BoundedResult): BoundedResult {
  if (end.exitCode === 0) return end
  if (end.endedBy === 'size' || /File size limit|too large/i.test(end.stderr)) throw tooLarge()
  if (end.endedBy === 'time') throw gitFailed(`it took longer than ${TIMEOUT_MS / 1000} s`)
  // SIGXFSZ, by which the system ends who writes more than the limit.
  if (end.exitCode === null) throw tooLarge()
  const said = sanitizeText(end.stderr.trim().replace(/\s+/g, ' '), 500)
  throw gitFailed(said === '' ? `git ended with ${end.exitCode}` : said)
}

const tooLarge = () =>
  new RollcallError(
    'collection.refused',
    'The repository is too large for a collection of playbooks. Put the playbooks into a repository of their own.',
  )

const gitFailed = (why: string) =>
  new RollcallError(
    'collection.git_failed',
    `The commit could not be fetched: ${why}. Correct the address or the commit, or see that the server reaches the repository; of ssh the server's own account needs the key and the known host.`,
  )
