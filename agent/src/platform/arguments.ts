import { parseArgs } from 'node:util'
import { AGENT_PATHS } from '@rollcall/contracts/agent'
import { StartError } from './start-error.ts'

/** Folders of an agent and its runner, which must be started with the same ones. */
export interface ProcessArguments {
  /** The config file; certificate and key are in `ssl/` beside it. */
  config: string
  /** Holds the spool; survives a restart of the host. */
  state: string
  /** Holds the runner's FIFO and identity; cleared by a restart of the host. */
  runtime: string
  /** How long an idle runner stays, in milliseconds. */
  idleMs: number
}

/** Parses the command line. Throws `StartError` for an unknown or invalid option. */
export function parseArguments(argv: string[]): ProcessArguments {
  try {
    const { values } = parseArgs({
      args: argv,
      options: {
        config: { type: 'string', default: AGENT_PATHS.config },
        state: { type: 'string', default: AGENT_PATHS.state },
        runtime: { type: 'string', default: AGENT_PATHS.runtime },
        'idle-ms': { type: 'string', default: '300000' },
      },
    })
    const idleMs = Number(values['idle-ms'])
    if (!Number.isInteger(idleMs) || idleMs < 1 || idleMs > 2 ** 31 - 1) {
      throw new TypeError('--idle-ms must be a whole number of milliseconds from 1 to 2147483647')
    }
    return { config: values.config, state: values.state, runtime: values.runtime, idleMs }
  } catch (error) {
    throw new StartError(
      `${(error as Error).message}. Known: --config PATH --state DIR --runtime DIR --idle-ms N`,
    )
  }
}
