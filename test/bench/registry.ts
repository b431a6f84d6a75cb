import { cli } from './cli.ts'
import { dispatch } from './dispatch.ts'
import { fanout } from './fanout.ts'
import type { Benchmark } from './figure.ts'
import { files } from './files.ts'
import { heartbeat } from './heartbeat.ts'
import { idle } from './idle.ts'
import { logs } from './logs.ts'
import { peers } from './peers.ts'
import { playbook } from './playbook.ts'
import { provision } from './provision.ts'
import { services } from './services.ts'
import { start } from './start.ts'
import { ui } from './ui.ts'
import { upgrade } from './upgrade.ts'

/** Every benchmark by its name, in the order in which they run. */
export const benchmarks: Readonly<Record<string, Benchmark>> = {
  start,
  cli,
  dispatch,
  provision,
  logs,
  idle,
  heartbeat,
  fanout,
  files,
  peers,
  playbook,
  services,
  ui,
  upgrade,
}
