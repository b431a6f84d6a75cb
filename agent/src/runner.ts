import { mkdirSync } from 'node:fs'
import { parseArguments } from './platform/arguments.ts'
import { systemClock as clock } from './platform/clock.ts'
import { replaceFile } from './platform/files.ts'
import { stderrLog as log } from './platform/log.ts'
import {
  identifyMyself,
  isAlive,
  type ProcessIdentity,
  readBootId,
  readIdentity,
} from './platform/processes.ts'
import { runProcess } from './platform/run-process.ts'
import { StartError } from './platform/start-error.ts'
import { readOwnVersion } from './platform/version.ts'
import { RunnerService } from './runner/commands/runner-service.ts'
import { ContainerScanner } from './runner/containers/container-scanner.ts'
import { openControlFifo, readMessages } from './runner/control-channel.ts'
import { Fifos } from './runner/fifos.ts'
import { SpoolBudget } from './runner/output/spool-budget.ts'
import { TransferWorkers } from './runner/transfer-workers.ts'
import { runtimePaths, spoolPaths } from './spool/spool-paths.ts'
import { transfersFolder } from './spool/transfer-paths.ts'

/** How long a runner that is stopped waits for its commands, TERM and KILL included. */
const STOP_MS = 13_000

/** Records this runner as the owner of the runtime folder. Returns its identity. Throws `StartError` if another one is alive. */
function claimRuntime(file: string): ProcessIdentity {
  const myself = identifyMyself()
  const other = readIdentity(file)
  if (other !== null && other.pid !== process.pid && isAlive(other)) {
    throw new StartError(`${file}: another runner (pid ${other.pid}) is running`, 1)
  }
  replaceFile(file, JSON.stringify(myself))
  return myself
}

runProcess(async () => {
  const options = parseArguments(process.argv.slice(2))
  const runtime = runtimePaths(options.runtime)
  const paths = spoolPaths(options.state)
  mkdirSync(options.runtime, { recursive: true, mode: 0o700 })
  mkdirSync(paths.commands, { recursive: true, mode: 0o700 })
  const myself = claimRuntime(runtime.runner)
  const fifo = openControlFifo(runtime.fifo, process.env, process.pid)

  let isStopping = false
  let idle: { cancel(): void } | undefined
  const onBusyChange = () => {
    idle?.cancel()
    if (runner.isBusy || containers.isBusy || transfers.isBusy) return
    if (isStopping) process.exit(0)
    // Messages that arrive now stay in the FIFO, which systemd holds open and watches again after the exit.
    idle = clock.after(options.idleMs, () => {
      log.info('runner.idle')
      process.exit(0)
    })
  }

  const runner = new RunnerService({
    paths,
    budget: new SpoolBudget(paths, clock.monotonicMs),
    fifos: new Fifos(runtime.pipes, log),
    clock,
    log,
    bootId: readBootId(),
    myself,
    onBusyChange,
  })
  const containers = new ContainerScanner({ path: runtime.containers, clock, log, onBusyChange })
  const transfers = new TransferWorkers({ folder: transfersFolder(options.state), clock, log, onBusyChange })
  onBusyChange()
  runner.scan()
  transfers.scan()
  readMessages(fifo, log, (message) => {
    if (message.op === 'containers') containers.scan(message.engines)
    else if (message.op === 'transfer') transfers.inspect(message.id)
    else runner.handle(message)
  })
  log.info('runner.ready', { version: readOwnVersion(), pid: process.pid })

  const stop = (signal: string) => {
    log.info('runner.stopping', { signal })
    isStopping = true
    containers.stop()
    transfers.stop()
    if (!runner.isBusy) process.exit(0)
    runner.endAll()
    clock.after(STOP_MS, () => process.exit(0))
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
})
