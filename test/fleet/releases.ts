import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const BUILT = fileURLToPath(new URL('../../agent/dist', import.meta.url))

/** Breaks a release in one way; its version names it. */
export type Flaw = (folder: string, version: string) => Promise<void>

/** An agent that ends at once, as one with a wrong library would. */
export const crashes: Flaw = (folder) => writeFile(join(folder, 'agent.mjs'), 'process.exit(1)\n')
/** An agent that runs and listens nowhere. */
export const neverAnswers: Flaw = (folder) =>
  writeFile(join(folder, 'agent.mjs'), 'setInterval(() => {}, 1000)\n')
/** A release for another processor: its runtime cannot be executed. */
export const otherArchitecture: Flaw = async (folder) => {
  const program = join(folder, 'bin/node')
  const header = Buffer.from(await readFile(program))
  header.writeUInt16LE(183, 18) // e_machine: aarch64
  await writeFile(program, header)
}
/** A release whose files say another version than its name. */
export const wrongVersion: Flaw = (folder, version) =>
  writeFile(join(folder, 'VERSION'), `${JSON.stringify({ version: `${version}9`, protocol: 1 })}\n`)

/**
 * A folder of releases for a server, made out of the one that was built: with the built one in it, and others added. Archives of one architecture,
 * this machine's.
 */
export class Releases implements AsyncDisposable {
  readonly #folder: string
  readonly #template: string
  readonly #arch: string
  /** The version that the server installs: the first by name. */
  readonly builtVersion: string

  private constructor(folder: string, template: string, builtVersion: string) {
    this.#folder = folder
    this.#template = template
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
    return new Releases(folder, template, version)
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
    await flaw?.(folder, version)
    await run('tar', ['-C', folder, '--use-compress-program', 'gzip -1', '-cf', this.path(version), '.'])
    await rm(folder, { recursive: true })
    return version
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true })
  }
}
