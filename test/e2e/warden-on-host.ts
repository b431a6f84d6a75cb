import { cp, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { AgentResult, ReportedInstance } from '@rollcall/contracts/agent'
import type { RpcClient } from '../../agent/test/fixtures/rpc-client.ts'
import type { Host } from '../bed/index.ts'

const PACKAGE = fileURLToPath(new URL('../../playbooks/host', import.meta.url))
const ON_HOST = '/opt/host-program'
const PORT = 8080
/** The instance is ill while this file is missing. */
export const HEALTHY = '/run/instance-healthy'
export const ID = '0badcafe'
const UNIT = `rollcall-i-${ID}-web.service`
const MAX_ANSWERS = 60

const SERVE = `
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(204 if os.path.exists("${HEALTHY}") else 503)
        self.end_headers()
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", ${PORT}), Handler).serve_forever()
`
/** These hosts have no podman. */
const PODMAN = '#!/bin/sh\nshift 4\nexec "$@"\n'

const check = (probe: Record<string, unknown>) => ({
  container: 'web',
  probe,
  is_critical: true,
  interval_ms: 1000,
  timeout_ms: 2000,
  fails: 2,
  passes: 3,
  start_period_ms: 30_000,
})

const ORDER = {
  revision: 'a'.repeat(64),
  containers: [{ name: 'web', is_job: false, ports: [], resources: null }],
  checks: [
    check({ kind: 'http', path: '/up', port: PORT }),
    check({ kind: 'tcp', port: PORT }),
    check({ kind: 'process', name: 'python3' }),
    check({ kind: 'command', argv: ['test', '-e', HEALTHY] }),
    check({ kind: 'resources', max_memory_percent: 99, max_cpu_percent: null }),
  ],
}

/** Has a host's own Python call the program of instances, whose package it gets. */
const call = (host: Host, statements: string) =>
  host.output([
    'python3',
    '-c',
    `import sys; sys.path.insert(0, "${ON_HOST}")
from rollcall_host.services import program, warden_unit
${statements}`,
  ])

/** Puts an instance and the warden on a host, as the program of instances does. In place of a container a program of the host runs. */
export async function startWarden(host: Host): Promise<void> {
  const at = (path: string) => join(host.root, path)
  await cp(PACKAGE, at(ON_HOST), { recursive: true, filter: (path) => !path.includes('__pycache__') })
  await writeFile(at('opt/serve.py'), SERVE)
  await writeFile(at('usr/local/bin/podman'), PODMAN, { mode: 0o755 })
  await writeFile(
    at(`etc/systemd/system/${UNIT}`),
    '[Service]\nType=exec\nExecStart=/usr/bin/python3 /opt/serve.py\nRestart=always\nRestartSec=1\n',
  )
  const folder = at(`etc/rollcall-services/${ID}`)
  await mkdir(join(folder, '1'), { recursive: true })
  await writeFile(join(folder, '1/instance.json'), JSON.stringify(ORDER))
  await writeFile(join(folder, 'state.json'), JSON.stringify({ generation: 1, wanted: 'running' }))
  await host.output(['touch', HEALTHY])
  await host.output(['systemctl', 'daemon-reload'])
  await host.output(['systemctl', 'start', UNIT])
  await call(host, 'program.save(); warden_unit.ensure()')
}

/** Removes the instance, and with it the warden. */
export async function removeWarden(host: Host): Promise<void> {
  await host.output(['systemctl', 'stop', UNIT])
  await host.output(['rm', '-r', `/etc/rollcall-services/${ID}`])
  await call(host, 'warden_unit.remove_unneeded()')
}

/** Ends the instance's program as a fault would. */
export const killInstance = (host: Host) => host.output(['systemctl', 'kill', '--signal=KILL', UNIT])

/** Follows the instance as a server does, through the agent. */
export class InstanceFollower {
  /** Each health that it has had, in order. */
  readonly healths: string[] = []
  readonly #client: RpcClient
  #digest: string | null = null

  constructor(client: RpcClient) {
    this.#client = client
  }

  /** Waits for the next report. */
  async next(): Promise<AgentResult<'get_instances'>> {
    const answer = await this.#client.call('get_instances', { since_digest: this.#digest, wait_ms: 10_000 })
    if (answer.failure !== null) throw new Error(answer.failure)
    this.#digest = answer.digest
    const health = answer.report?.instances[0]?.health
    if (health !== undefined && health !== this.healths.at(-1)) this.healths.push(health)
    return answer
  }

  /** Waits until a report satisfies `isSo`. Throws after too many that do not. */
  async until(what: string, isSo: (instance: ReportedInstance | undefined) => boolean) {
    let last: unknown
    for (let answers = 0; answers < MAX_ANSWERS; answers++) {
      const { report } = await this.next()
      if (report === null) continue
      last = report
      const instance = report.instances.find(({ instance }) => instance === ID)
      if (isSo(instance)) return instance
    }
    throw new Error(`no report of ${what}; the last one was ${JSON.stringify(last)}`)
  }
}
