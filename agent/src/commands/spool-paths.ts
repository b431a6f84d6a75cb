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
    command: (id) => commandPaths(join(commands, id)),
  }
}

function commandPaths(folder: string): CommandPaths {
  return {
    folder,
    spec: join(folder, 'spec.json'),
    started: join(folder, 'started.json'),
    exit: join(folder, 'exit.json'),
    reserve: join(folder, 'reserve'),
    input: join(folder, 'input'),
    inputEnd: join(folder, 'input-end'),
    log: (segment) => join(folder, `log.${segment}`),
    index: (segment) => join(folder, `index.${segment}`),
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
