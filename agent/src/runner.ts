import { mkdirSync } from 'node:fs'
import { readArguments } from './arguments.ts'
import { runtimePaths, spoolPaths } from './commands/spool-paths.ts'
import { ContainerLooks } from './containers/container-looks.ts'
import { FileJobs } from './files/file-jobs.ts'
import { transfersFolder } from './files/transfer-paths.ts'
import { runMain } from './main.ts'
import { systemClock as clock } from './platform/clock.ts'
import { Fifos } from './platform/fifos.ts'
import { readIfThere, replaceFile } from './platform/files.ts'
import { stderrLog as log } from './platform/log.ts'
import { identify, isAlive, type ProcessIdentity, readBootId } from './platform/processes.ts'
import { openControlFifo, readOrders } from './runner/control-channel.ts'
import { RunnerService } from './runner/runner-service.ts'
import { SpoolBudget } from './runner/spool-budget.ts'
import { StartError } from './start-error.ts'
import { ownVersion } from './version.ts'

/** A runner that is stopped gives its commands this long beyond TERM and KILL. */
const STOP_MS = 13_000

function claimRuntime(file: string): ProcessIdentity {
  const myself = identify(process.pid)
  if (myself === null) throw new Error('/proc does not show this process')
  const text = readIfThere(file)
  const other = text === null || text === '' ? null : (JSON.parse(text) as ProcessIdentity)
  if (other !== null && other.pid !== process.pid && isAlive(other)) {
    throw new StartError(`${file}: another runner (pid ${other.pid}) is at work`, 1)
  }
  replaceFile(file, JSON.stringify(myself))
  return myself
}

runMain(async () => {
  const places = readArguments(process.argv.slice(2))
  const runtime = runtimePaths(places.runtime)
  const paths = spoolPaths(places.state)
  mkdirSync(places.runtime, { recursive: true, mode: 0o700 })
  mkdirSync(paths.commands, { recursive: true, mode: 0o700 })
  const myself = claimRuntime(runtime.runner)
  const fifo = openControlFifo(runtime.fifo, process.env, process.pid)

  let isStopping = false
  let idle: { cancel(): void } | undefined
  const onBusyChange = () => {
    idle?.cancel()
    if (runner.isBusy || looks.isBusy || files.isBusy) return
    if (isStopping) process.exit(0)
    // Orders that come at this very moment stay in the FIFO, which systemd holds open and watches again once we are gone.
    idle = clock.after(places.idleMs, () => {
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
  const looks = new ContainerLooks({ path: runtime.containers, clock, log, onBusyChange })
  const files = new FileJobs({ folder: transfersFolder(places.state), clock, log, onBusyChange })
  onBusyChange()
  runner.scan()
  files.scan()
  readOrders(fifo, log, (order) => {
    if (order.op === 'containers') looks.look(order.engines)
    else if (order.op === 'transfer') files.look(order.id)
    else runner.obey(order)
  })
  log.info('runner.ready', { version: ownVersion(), pid: process.pid })

  const stop = (signal: string) => {
    log.info('runner.stopping', { signal })
    isStopping = true
    looks.stop()
    files.stop()
    if (!runner.isBusy) process.exit(0)
    runner.endAll()
    clock.after(STOP_MS, () => process.exit(0))
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
})
