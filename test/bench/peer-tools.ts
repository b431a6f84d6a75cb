/** Where a peer finds its hosts and its settings. */
export interface PeerFiles {
  /** One address a line. */
  hosts: string
  /** The same for Ansible. */
  inventory: string
  /** For `ssh -F`: `warm` keeps connections open and uses them again. */
  config: Record<PeerMode, string>
  /** The path of Ansible's own settings, without `-cold.cfg` or `-warm.cfg` at its end. */
  ansible: string
}

export type PeerMode = 'cold' | 'warm'

export interface PeerTool {
  /** As in the names of figures. */
  name: string
  /** As a person would write it. */
  label: string
  program: string
  package: string
  /** How to have `true` run on all hosts, as root. It ends with 0 only when all did. */
  argv(files: PeerFiles, mode: PeerMode): string[]
  env(files: PeerFiles, mode: PeerMode): Record<string, string>
}

/** More than their defaults of 32 and 64, less than would make each wait for a processor. */
const FANOUT = '64'
const NO_ENV = () => ({})

const ansible = (module: 'raw' | 'command'): PeerTool => ({
  name: `ansible_${module}`,
  label: `ansible -m ${module}, 50 forks`,
  program: '/usr/bin/ansible',
  package: 'ansible-core',
  argv: ({ inventory }) => ['/usr/bin/ansible', 'all', '-i', inventory, '-m', module, '-a', 'true'],
  env: (files, mode) => ({ ANSIBLE_CONFIG: `${files.ansible}-${mode}.cfg`, LC_ALL: 'C.UTF-8' }),
})

export const PEER_TOOLS: readonly PeerTool[] = [
  {
    name: 'pdsh',
    label: `pdsh -f ${FANOUT}`,
    program: '/usr/bin/pdsh',
    package: 'pdsh',
    argv: ({ hosts }) => [
      '/usr/bin/pdsh',
      '-S',
      '-R',
      'ssh',
      '-f',
      FANOUT,
      '-l',
      'root',
      '-w',
      `^${hosts}`,
      'true',
    ],
    env: ({ config }, mode) => ({ PDSH_SSH_ARGS_APPEND: `-F ${config[mode]}` }),
  },
  {
    name: 'clush',
    label: `clush -f ${FANOUT}`,
    program: '/usr/bin/clush',
    package: 'clustershell',
    argv: ({ hosts, config }, mode) => [
      '/usr/bin/clush',
      '-S',
      '-f',
      FANOUT,
      '-l',
      'root',
      '-o',
      `-F ${config[mode]}`,
      '--hostfile',
      hosts,
      'true',
    ],
    env: NO_ENV,
  },
  {
    name: 'parallel_ssh',
    label: `parallel-ssh -p ${FANOUT}`,
    program: '/usr/bin/parallel-ssh',
    package: 'pssh',
    argv: ({ hosts, config }, mode) => [
      '/usr/bin/parallel-ssh',
      '-p',
      FANOUT,
      '-l',
      'root',
      '-x',
      `-F ${config[mode]}`,
      '-h',
      hosts,
      'true',
    ],
    env: NO_ENV,
  },
  ansible('raw'),
  ansible('command'),
]
