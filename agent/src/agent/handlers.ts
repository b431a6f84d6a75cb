import { AGENT_PROTOCOL, type AgentHandlers } from '@rollcall/contracts/agent'
import type { Clock } from '../platform/clock.ts'
import { readCommandLog } from './commands/command-log.ts'
import type { CommandsService } from './commands/commands.service.ts'
import { OutputInFlight } from './commands/output-in-flight.ts'
import type { PlaybookCommands } from './commands/playbook-commands.ts'
import type { CredentialsService } from './credentials/credentials.service.ts'
import type { HostStatus } from './host/host-status.ts'
import type { InstanceReports } from './instances/instance-reports.ts'
import { readToolsVersion } from './transfers/tools-version.ts'
import type { TransfersService } from './transfers/transfers.service.ts'

interface Parts {
  version: string
  bootId: string
  port: number
  commands: CommandsService
  playbooks: PlaybookCommands
  transfers: TransfersService
  credentials: CredentialsService
  status: HostStatus
  instances: InstanceReports
  clock: Clock
}

/** Creates the handlers, one for each method of the contract; a missing one does not compile. */
export function createHandlers(parts: Parts): AgentHandlers {
  const { version, bootId, port, commands, playbooks, transfers, credentials, status, instances, clock } =
    parts
  const startedMs = clock.monotonicMs()
  const inFlight = new OutputInFlight()
  return {
    health_check: async () => ({
      status: 'ok',
      agent_version: version,
      protocol: AGENT_PROTOCOL,
      boot_id: bootId,
    }),
    heartbeat: async () => ({
      time_ms: clock.epochMs(),
      boot_id: bootId,
      agent_uptime_s: Math.floor((clock.monotonicMs() - startedMs) / 1000),
      running_commands: commands.running().length,
    }),
    get_status: () => status.read(commands.running()),
    get_port: async () => ({ port }),
    execute_command: (params) => commands.execute(params),
    execute_ansible: (params) => playbooks.execute(params),
    get_command_log: (params, signal) => readCommandLog(commands, params, signal, inFlight),
    cancel_command: (params) => commands.cancel(params.command_id),
    withdraw_command: async ({ command_id }) => {
      const answer = await commands.withdraw(command_id)
      if (answer.withdrawn) await playbooks.remove(command_id)
      return answer
    },
    release_command: async ({ command_id }) => {
      const answer = await commands.release(command_id)
      if (answer.released) await playbooks.remove(command_id)
      return answer
    },
    write_input: (params) => commands.writeInput(params),
    resize_terminal: (params) => commands.resize(params),
    start_transfer: (params) => transfers.start(params),
    stage_credentials: async ({ rotation_id, credentials: set }) => ({
      rotation_id,
      status: await credentials.stage(rotation_id, set),
    }),
    commit_credentials: async ({ rotation_id }) => {
      await credentials.commit(rotation_id)
      return { rotation_id, status: 'committed' }
    },
    write_chunk: (params, signal, bytes) => transfers.write(params, signal, bytes),
    read_chunk: (params) => transfers.readChunk(params),
    get_transfer: (params, signal) => transfers.get(params, signal),
    end_transfer: async ({ transfer_id }) => {
      await transfers.end(transfer_id)
      return { transfer_id, ended: true }
    },
    get_instances: (params, signal) => instances.get(params, signal),
    get_tools: async () => ({ version: await readToolsVersion() }),
  }
}
