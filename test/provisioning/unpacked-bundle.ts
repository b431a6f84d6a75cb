import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { buildAnsibleBundle } from '../../scripts/ansible-bundle.mjs'

const run = promisify(execFile)

/** The Ansible bundle in a folder of this machine, as hosts have it, and projects beside it. */
export class UnpackedBundle implements AsyncDisposable {
  readonly #folder: string

  private constructor(folder: string) {
    this.#folder = folder
  }

  static async open(): Promise<UnpackedBundle> {
    const { path } = await buildAnsibleBundle()
    const bundle = new UnpackedBundle(await mkdtemp(join(tmpdir(), 'rollcall-bundle-')))
    await mkdir(bundle.at('bundle'))
    await run('tar', ['--extract', '--gzip', '--file', path, '--directory', bundle.at('bundle')])
    return bundle
  }

  at(name: string): string {
    return join(this.#folder, name)
  }

  async write(files: Record<string, string>): Promise<void> {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(this.at(name)), { recursive: true })
      await writeFile(this.at(name), text)
    }
  }

  /**
   * Runs the playbook `project/play.yml`, which leaves its result, in JSON, in the file that its variable `result` names. Throws, with
   * what Ansible printed, when it fails.
   */
  async play<T>(
    project: string,
    {
      bundle = 'bundle',
      env = {},
      variables = {},
    }: { bundle?: string; env?: Record<string, string>; variables?: Record<string, string> } = {},
  ): Promise<T> {
    const all = {
      ansible_python_interpreter: '/usr/bin/python3',
      result: this.at('result.json'),
      ...variables,
    }
    const given = ['-e', JSON.stringify(all)]
    const argv = ['-I', this.at(bundle), '-i', 'localhost,', '-c', 'local', ...given]
    const own = {
      PATH: '/usr/bin:/bin',
      HOME: this.at(''),
      LC_ALL: 'C.UTF-8',
      ANSIBLE_PIPELINING: 'true',
      ANSIBLE_REMOTE_TEMP: this.at('remote'),
      ANSIBLE_ASYNC_DIR: this.at('jobs'),
    }
    await rm(this.at('result.json'), { force: true })
    await run('/usr/bin/python3', [...argv, this.at(`${project}/play.yml`)], {
      env: { ...own, ...env },
      cwd: this.at(project),
    }).catch((error) => {
      throw new Error(`the playbook failed: ${error.stdout} ${error.stderr}`, { cause: error })
    })
    return JSON.parse(await readFile(this.at('result.json'), 'utf8'))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true })
  }
}
