import { parseArgs } from 'node:util'
import { AGENT_PATHS } from '@rollcall/contracts/agent'
import { StartError } from './start-error.ts'

/** Where one agent and its runner keep things. Both processes of one host must be started with the same folders. */
export interface Places {
  /** The config file; certificate and key lie in `ssl/` beside it. */
  config: string
  /** Survives a restart of the host: the commands' spool. */
  state: string
  /** Does not: the runner's FIFO and its identity. */
  runtime: string
  /** How long the runner stays without work, in milliseconds. */
  idleMs: number
}

export function readArguments(argv: string[]): Places {
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
