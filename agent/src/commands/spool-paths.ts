import { join } from 'node:path'

/**
 * The spool of one host, the only thing that agent and runner share. The agent writes `spec.json`, `input` and `released/`;
 * the runner writes everything else, so that no file has two writers. The exception is a command that is taken back: whoever
 * creates `started.json` also says how it ended. Acknowledged segments are unlinked by the agent.
 */
export interface SpoolPaths {
  commands: string
  released: string
  command(id: string): CommandPaths
}

export interface CommandPaths {
  folder: string
  /** What to run; on the disk before anyone is told. */
  spec: string
  /** Created once, by the runner before the program starts, or by the agent so that it never does. */
  started: string
  /** How it ended. */
  exit: string
  /** Some bytes given up for `exit.json` when the disk is full. */
  reserve: string
  /** Everything sent to standard input so far, and a mark that no more will come. */
  input: string
  inputEnd: string
  log(segment: number): string
  index(segment: number): string
}

export function spoolPaths(state: string): SpoolPaths {
  const commands = join(state, 'commands')
  return {
    commands,
    released: join(state, 'released'),
    command: (id) => commandPaths(`${commands}/${id}`),
  }
}

// Asked for at every look: `join` would make each of them anew out of its parts, which costs more than opening the file.
function commandPaths(folder: string): CommandPaths {
  return {
    folder,
    spec: `${folder}/spec.json`,
    started: `${folder}/started.json`,
    exit: `${folder}/exit.json`,
    reserve: `${folder}/reserve`,
    input: `${folder}/input`,
    inputEnd: `${folder}/input-end`,
    log: (segment) => `${folder}/log.${segment}`,
    index: (segment) => `${folder}/index.${segment}`,
  }
}

export const runtimePaths = (runtime: string) => ({
  fifo: join(runtime, 'runner.fifo'),
  /** Who the runner is: its pid and start time. */
  runner: join(runtime, 'runner.json'),
  /** What the runner has last seen of containers. */
  containers: join(runtime, 'containers.json'),
  /** Named pipes that become a program's standard streams. */
  pipes: join(runtime, 'pipes'),
})
