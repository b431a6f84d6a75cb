import { RollcallError } from '@rollcall/contracts'
import { CommandStore } from './agent/commands/command-store.ts'
import { CommandsService } from './agent/commands/commands.service.ts'
import { PlaybookCommands } from './agent/commands/playbook-commands.ts'
import { ReleasedCommands } from './agent/commands/released-commands.ts'
import { ContainerStatus } from './agent/containers/container-status.ts'
import { CredentialFile } from './agent/credentials/credential-file.ts'
import { CredentialsService } from './agent/credentials/credentials.service.ts'
import { createHandlers } from './agent/handlers.ts'
import { HostStatus } from './agent/host/host-status.ts'
import { InstanceReports } from './agent/instances/instance-reports.ts'
import { type LoadedConfig, loadConfig } from './agent/load-config.ts'
import { RpcServer } from './agent/rpc/rpc-server.ts'
import { RunnerLink } from './agent/runner-link.ts'
import { TransfersService } from './agent/transfers/transfers.service.ts'
import { parseArguments } from './platform/arguments.ts'
import { systemClock as clock } from './platform/clock.ts'
import { errorCode, isDiskFault } from './platform/files.ts'
import { stderrLog as log } from './platform/log.ts'
import { readBootId } from './platform/processes.ts'
import { runProcess } from './platform/run-process.ts'
import { readOwnVersion } from './platform/version.ts'
import { runtimePaths, spoolPaths } from './spool/spool-paths.ts'

runProcess(async () => {
  const options = parseArguments(process.argv.slice(2))
  const config = loadConfig(options.config)
  const { rpc_port: port, limits } = config.config
  const file = new CredentialFile(options.config)
  await finishCommit(config, file)
  const credentials = new CredentialsService(config, file)
  const spool = spoolPaths(options.state)
  const bootId = readBootId()
  const version = readOwnVersion()

  const released = new ReleasedCommands(spool.released, clock.epochMs)
  const runtime = runtimePaths(options.runtime)
  const runner = new RunnerLink(runtime.fifo)
  const commands = new CommandsService(
    new CommandStore(spool, bootId, limits, log),
    released,
    runner,
    limits,
    clock,
  )
  const playbooks = new PlaybookCommands(options.state, commands)
  const containers = new ContainerStatus({
    path: runtime.containers,
    clock,
    log,
    sendToRunner: (message) => runner.send(message),
  })
  const transfers = new TransfersService(options.state, runner, limits, clock)
  const status = new HostStatus(version, bootId, clock, containers)
  const instances = new InstanceReports({ folder: runtime.warden, bootId, clock, log })
  const server = new RpcServer(
    { port, limits, credentials },
    createHandlers({
      version,
      bootId,
      port,
      commands,
      playbooks,
      transfers,
      credentials,
      status,
      instances,
      clock,
    }),
    log,
  )

  await playbooks.sweep()
  await server.listen()
  log.info('agent.listening', { port, version, config: options.config })
  try {
    commands.resume()
  } catch (error) {
    // The agent works without a runner, except for calls that need one, which fail with this error.
    if (!(error instanceof RollcallError)) throw error
    log.error('agent.no_runner', { error: error.message })
  }

  const stop = (signal: string) => {
    log.info('agent.stopping', { signal })
    server.close().then(() => process.exit(0))
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
})

/** Finishes a rotation that a power loss interrupted. It works unfinished too, so the next start retries after a disk fault. */
async function finishCommit(loaded: LoadedConfig, file: CredentialFile): Promise<void> {
  try {
    loaded.config = await file.finishCommit(loaded.config)
  } catch (error) {
    if (!isDiskFault(error)) throw error
    log.error('credentials.not_placed', { error: errorCode(error) })
  }
}
