import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { uuid } from '@rollcall/contracts'

/**
 * Paths of the spool, the only state that agent and runner share. The agent writes `spec.json`, `input` and `released/`, the runner
 * all others, and the agent unlinks acknowledged segments. A withdrawn command is the exception: the creator of `started.json` also
 * writes `exit.json`.
 */
export interface SpoolPaths {
  commands: string
  released: string
  command(id: string): CommandPaths
}

export interface CommandPaths {
  folder: string
  /** The program to run; on the disk before the runner is notified. */
  spec: string
  /** The claim: created once, by the runner before the program starts, or by the agent to withdraw it. */
  started: string
  /** How it ended. */
  exit: string
  /** Bytes that are freed for `exit.json` when the disk is full. */
  reserve: string
  /** All standard input so far, and a mark that it is complete. */
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

// Called for every read: `join` would cost more than opening the file.
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

/** Lists the folders of commands or transfers, which are named by their ids. Throws if the parent folder is missing. */
export const listIds = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && uuid.safeParse(entry.name).success)
    .map((entry) => entry.name)

export const runtimePaths = (runtime: string) => ({
  fifo: join(runtime, 'runner.fifo'),
  /** The runner's pid and start time. */
  runner: join(runtime, 'runner.json'),
  /** The runner's latest container report. */
  containers: join(runtime, 'containers.json'),
  /** The warden's folder beside ours, with its latest report on instances. On most hosts it does not exist. */
  warden: join(dirname(runtime), 'rollcall-warden'),
  /** Named pipes that become a program's standard streams. */
  pipes: join(runtime, 'pipes'),
})
