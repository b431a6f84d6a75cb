import { execFile } from 'node:child_process'
import { createReadStream, createWriteStream, existsSync } from 'node:fs'
import {
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const BUILT = fileURLToPath(new URL('../../agent/dist', import.meta.url))

/** The largest file by far, the same in nearly every release. */
const RUNTIME = 'bin/node'
/** Two empty blocks, by which a tar archive ends. */
const TAR_END_BYTES = 1024

/** Breaks a release in one way; its version names it. `runtime` is the file of the sound runtime, which `folder` is without. */
export type Flaw = (folder: string, version: string, runtime: string) => Promise<void>

/** An agent that ends at once, as one with a wrong library would. */
export const crashes: Flaw = (folder) => writeFile(join(folder, 'agent.mjs'), 'process.exit(1)\n')
/** An agent that runs and listens nowhere. */
export const neverAnswers: Flaw = (folder) =>
  writeFile(join(folder, 'agent.mjs'), 'setInterval(() => {}, 1000)\n')
/** A release for another processor: its runtime cannot be executed. */
export const otherArchitecture: Flaw = async (folder, _version, runtime) => {
  const program = await readFile(runtime)
  program.writeUInt16LE(183, 18) // e_machine: aarch64
  await writeFile(join(folder, RUNTIME), program, { mode: 0o755 })
}
/** A release whose files say another version than its name. */
export const wrongVersion: Flaw = (folder, version) =>
  writeFile(join(folder, 'VERSION'), `${JSON.stringify({ version: `${version}9`, protocol: 1 })}\n`)

/**
 * A folder of releases for a server, made out of the one that was built: with the built one in it, and others added. Archives of one architecture,
 * this machine's. The runtime is compressed once: what gzip wrote of the parts of a tar archive is, in a row, an archive.
 */
export class Releases implements AsyncDisposable {
  readonly #folder: string
  /** The files of a release besides its runtime. */
  readonly #template: string
  readonly #runtime: string
  readonly #packedRuntime: string
  readonly #arch: string
  /** The version that the server installs: the first by name. */
  readonly builtVersion: string

  private constructor(folder: string, template: string, builtVersion: string) {
    this.#folder = folder
    this.#template = template
    this.#runtime = join(folder, '.runtime', RUNTIME)
    this.#packedRuntime = join(folder, '.runtime.tar.gz')
    this.builtVersion = builtVersion
    this.#arch = process.arch
  }

  static async open(): Promise<Releases> {
    const names = await readdir(BUILT)
    const pattern = new RegExp(`^rollcall-agent-(.+)-linux-${process.arch}\\.tar\\.gz$`)
    const name = names.find((one) => pattern.test(one))
    const version = pattern.exec(name ?? '')?.[1]
    if (name === undefined || version === undefined) throw new Error('no agent was built: npm run build')
    const folder = await mkdtemp(join(tmpdir(), 'rollcall-releases-'))
    const template = join(folder, '.template')
    await mkdir(template)
    await run('tar', ['-xzf', join(BUILT, name), '-C', template])
    await symlink(join(BUILT, name), join(folder, name))
    const releases = new Releases(folder, template, version)
    await releases.#packRuntime()
    return releases
  }

  get env() {
    return { ROLLCALL_AGENT_FOLDER: this.#folder }
  }

  path(version: string): string {
    return join(this.#folder, `rollcall-agent-${version}-linux-${this.#arch}.tar.gz`)
  }

  /** Adds a release. Versions that sort behind the built one leave that as what is installed. */
  async add(version: string, flaw?: Flaw): Promise<string> {
    const folder = join(this.#folder, `.${version}`)
    await cp(this.#template, folder, { recursive: true })
    const own = JSON.parse(await readFile(join(folder, 'VERSION'), 'utf8'))
    await writeFile(join(folder, 'VERSION'), `${JSON.stringify({ ...own, version })}\n`)
    await flaw?.(folder, version, this.#runtime)
    const rest = `${folder}.tar.gz`
    await run('tar', ['-C', folder, '--use-compress-program', 'gzip -1', '-cf', rest, '.'])
    const parts = existsSync(join(folder, RUNTIME)) ? [rest] : [this.#packedRuntime, rest]
    // Named when it is whole: the server reads the folder at any time.
    const whole = `${folder}.whole`
    for (const part of parts) await pipeline(createReadStream(part), createWriteStream(whole, { flags: 'a' }))
    await rename(whole, this.path(version))
    await rm(folder, { recursive: true })
    await rm(rest)
    return version
  }

  async #packRuntime(): Promise<void> {
    const place = join(this.#folder, '.runtime')
    await mkdir(dirname(this.#runtime), { recursive: true })
    await rename(join(this.#template, RUNTIME), this.#runtime)
    const tar = join(this.#folder, '.runtime.tar')
    await run('tar', ['-C', place, '--blocking-factor=1', '-cf', tar, `./${RUNTIME}`])
    await truncate(tar, (await stat(tar)).size - TAR_END_BYTES)
    await run('gzip', ['-1', tar])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true })
  }
}
