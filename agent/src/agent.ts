import { RollcallError } from '@rollcall/contracts'
import { AnsibleOrders } from './ansible/ansible-orders.ts'
import { readArguments } from './arguments.ts'
import { CommandStore } from './commands/command-store.ts'
import { CommandsService } from './commands/commands.service.ts'
import { ReleasedCommands } from './commands/released.ts'
import { RunnerLink } from './commands/runner-link.ts'
import { runtimePaths, spoolPaths } from './commands/spool-paths.ts'
import { type LoadedConfig, loadConfig } from './config/load-config.ts'
import { ContainerStatus } from './containers/container-status.ts'
import { CredentialFile } from './credentials/credential-file.ts'
import { CredentialsService } from './credentials/credentials.service.ts'
import { TransfersService } from './files/transfers.service.ts'
import { createHandlers } from './handlers.ts'
import { HostStatus } from './host/host-status.ts'
import { runMain } from './main.ts'
import { systemClock as clock } from './platform/clock.ts'
import { errorCode, isDiskFault } from './platform/files.ts'
import { stderrLog as log } from './platform/log.ts'
import { readBootId } from './platform/processes.ts'
import { RpcServer } from './rpc/rpc-server.ts'
import { ownVersion } from './version.ts'

runMain(async () => {
  const places = readArguments(process.argv.slice(2))
  const config = loadConfig(places.config)
  const { rpc_port: port, limits } = config.config
  const file = new CredentialFile(places.config)
  await finishCommit(config, file)
  const credentials = new CredentialsService(config, file)
  const spool = spoolPaths(places.state)
  const bootId = readBootId()
  const version = ownVersion()

  const released = new ReleasedCommands(spool.released, clock.epochMs)
  const runtime = runtimePaths(places.runtime)
  const runner = new RunnerLink(runtime.fifo)
  const commands = new CommandsService(
    new CommandStore(spool, bootId, limits, log),
    released,
    runner,
    limits,
    clock,
  )
  const playbooks = new AnsibleOrders(places.state, commands)
  const containers = new ContainerStatus({
    path: runtime.containers,
    clock,
    log,
    tellRunner: (order) => runner.tell(order),
  })
  const transfers = new TransfersService(places.state, runner, limits, clock)
  const status = new HostStatus(version, bootId, clock, containers)
  const server = new RpcServer(
    { port, limits, credentials },
    createHandlers({ version, bootId, port, commands, playbooks, transfers, credentials, status, clock }),
    log,
  )

  await playbooks.sweep()
  await server.listen()
  log.info('agent.listening', { port, version, config: places.config })
  try {
    commands.resume()
  } catch (error) {
    // The agent is of use without a runner: it says so here, and at every call that needs one.
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

/** A commit that a loss of power broke off works without its last step: where that fails, the next start tries again. */
async function finishCommit(loaded: LoadedConfig, file: CredentialFile): Promise<void> {
  try {
    loaded.config = await file.place(loaded.config)
  } catch (error) {
    if (!isDiskFault(error)) throw error
    log.error('credentials.not_placed', { error: errorCode(error) })
  }
}
