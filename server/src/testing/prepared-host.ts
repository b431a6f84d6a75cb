import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { TestProject } from 'vitest/node'
import { Artifacts } from '../artifacts/artifacts.ts'
import { PLAYBOOKS_FOLDER } from '../platform/archives/host-tools.ts'
import { toReleaseName } from '../provisioning/installer.ts'
import { sharedFolder } from './shared-folder.ts'

const AGENT_FOLDER = fileURLToPath(new URL('../../../agent/dist', import.meta.url))

/** Lays tools and release out as a host does, by the host's own code. */
const LAY_OUT = `
import os, sys, tarfile
playbooks, root, tools_archive, version, agent_archive, release = sys.argv[1:]
sys.path.insert(0, playbooks + "/host")
from rollcall_host import files, tools
os.umask(0o022)
tools.TOOLS = root + "/opt/rollcall-tools"
tools.lay_out_tools(lambda: tarfile.open(tools_archive, "r:gz"), version)
os.makedirs(root + "/opt/rollcall-agent/releases")
with tarfile.open(agent_archive) as archive:
    files.unpack(archive, root + "/opt/rollcall-agent/releases/" + release)
`

const run = promisify(execFile)

/**
 * Prepares what each installation of an agent lays out on its host, the release and the tools, as a folder that hosts of tests can lie
 * upon. No-op without a bundled Ansible or without root, where no host can be booted.
 */
export default async function prepareHost(project: TestProject): Promise<() => Promise<void>> {
  const { folder, remove } = sharedFolder(project)
  const bundle = process.env.ROLLCALL_ANSIBLE_BUNDLE
  const prepared = join(folder, 'host')
  if (!bundle || process.getuid?.() !== 0 || existsSync(prepared)) return remove
  const root = join(folder, 'unfinished-host')
  await mkdir(root, { recursive: true })
  const artifacts = new Artifacts(AGENT_FOLDER, bundle, join(folder, 'releases'))
  const agent = await artifacts.agentArchive(process.arch as 'x64' | 'arm64')
  const tools = await artifacts.tools()
  const archive = join(folder, 'tools.tar.gz')
  await writeFile(archive, await tools.archive())
  const words = [PLAYBOOKS_FOLDER, root, archive, tools.version, agent.path, toReleaseName(agent)]
  await run('python3', ['-c', LAY_OUT, ...words])
  await rm(archive)
  await compile(join(root, 'opt/rollcall-tools', tools.version))
  await rename(root, prepared)
  return remove
}

/** Has Ansible read a playbook, so that what it compiles and caches at its first start is there. */
async function compile(tools: string): Promise<void> {
  const playbooks = join(tools, 'playbooks')
  const words = ['--inventory', 'localhost,', '--connection', 'local', '--syntax-check']
  await run('python3', ['-I', join(tools, 'ansible'), ...words, join(playbooks, 'install_agent.yml')], {
    env: {
      PATH: '/usr/bin:/bin',
      HOME: '/nonexistent',
      LC_ALL: 'C.UTF-8',
      ANSIBLE_CONFIG: join(playbooks, 'ansible.cfg'),
      ANSIBLE_HOME: join(tools, '.home'),
    },
  })
  await rm(join(tools, '.home'), { recursive: true, force: true })
}
