import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Host, whyNoBed } from '../bed/index.ts'
import { poll } from '../bed/poll.ts'
import type { Api } from '../fleet/api.ts'
import { Fleet, killAgent } from '../fleet/fleet.ts'
import { addPlaybooks } from './own-playbooks.ts'
import { SITE_PLAYBOOKS, toSiteFile } from './site-playbooks.ts'
import { whereHostShows, whereServerShows } from './value-search.ts'

const noBed = await whyNoBed()
if (noBed && process.env.CI) throw new Error(noBed)

const IMAGE = 'registry.lan/shop/tiny:1'
/** An image of the host's own shell and perl, saved as an archive. */
const MAKE_IMAGE = `cd /var/tmp; rm -rf tiny; mkdir -p tiny/tmp tiny/run tiny/etc tiny/bin
for program in /bin/sh /usr/bin/perl; do
  cp --dereference --parents "$program" $(ldd "$program" | grep -o '/[^ ]*') tiny/
done
cp --recursive --dereference --parents /usr/lib/*-linux-gnu/perl-base tiny/
tar --create --directory tiny . | podman import --quiet --change 'CMD ["/bin/sh"]' - ${IMAGE}
podman save --quiet --output tiny.tar ${IMAGE}
podman image rm --force ${IMAGE}`
/** Answers each connection with a page that names the mode of the service. */
const PAGE = `use IO::Socket::INET; $SIG{TERM} = sub { exit 0 }; $| = 1;
my $server = IO::Socket::INET->new(LocalPort => $ARGV[0], Listen => 9, ReuseAddr => 1) or die $!; print "listening\\n";
while (my $client = $server->accept) { my $asked = <$client>; my $body = "mode $ENV{MODE}";
  print $client "HTTP/1.0 200 OK\\r\\nContent-Length: " . length($body) . "\\r\\n\\r\\n" . $body; close $client }`

/** The program as a file of Compose has it: a dollar alone would be a variable. */
const ARGUMENT = JSON.stringify(PAGE.replaceAll('$', () => '$$'))

/** The value of the secret that the cache reads. */
const CANARY = 'canary-of-a-secret-of-a-service'
/** Where a host keeps secrets: the folder of the instance, podman's store, and what it mounts into containers. */
const OF_SECRETS =
  /^\/(etc\/rollcall-services\/[0-9a-f]+\/\d+\/secrets|var\/lib\/containers\/storage\/secrets|run\/containers)\//

const toFile = (mode: string) => `name: shop
services:
  web:
    image: ${IMAGE}
    command: [perl, -e, ${ARGUMENT}, "8080"]
    environment: {MODE: ${mode}}
    ports: ["8080"]
    deploy: {replicas: 2}
    x-rollcall: {place: {max_per_host: 1}, checks: [{http: "/", port: 8080, interval: 1s}]}
  db:
    image: ${IMAGE}
    command: [perl, -e, ${ARGUMENT}, "5432"]
    volumes: ["data:/data"]
    x-rollcall: {checks: [{tcp: 5432, interval: 1s}]}
  cache:
    image: ${IMAGE}
    command: [perl, -e, ${ARGUMENT}, "6379"]
    depends_on: [db]
    secrets: [token]
    x-rollcall: {checks: [{tcp: 6379, interval: 1s}]}
volumes:
  data:
secrets:
  token: {external: true}
`
const STORY_MS = 120_000

describe.skipIf(noBed)(`services on real hosts ${noBed ?? ''}`, { timeout: STORY_MS }, () => {
  let fleet: Fleet
  let api: Api
  let hosts: Host[]

  beforeAll(async () => {
    fleet = await Fleet.open('services', [
      { name: 'app-1', flavour: 'podman' },
      { name: 'app-2', flavour: 'podman' },
    ])
    ;({ api, hosts } = fleet)
    const [first] = hosts as [Host]
    await first.output(['sh', '-ec', MAKE_IMAGE], { timeoutMs: 120_000 })
    const added = await fleet.server.cli('image', 'add', join(first.root, 'var/tmp/tiny.tar'))
    expect(added).toMatchObject({ code: 0 })
    const data = Buffer.from(CANARY).toString('base64')
    await api.call('setSecret', { body: { name: 'token', data } })
    // Placement asks what a host has, which its first heartbeats say.
    let said = ''
    const hasReported = async () => {
      const { plan, faults } = await api.call('planServices', { body: { text: toFile('first') } })
      const placements = plan?.services.flatMap((service) => service.placements)
      said = JSON.stringify(placements?.map(({ reason }) => reason) ?? faults)
      return placements?.every(({ host }) => host !== null)
    }
    await poll(hasReported, { timeoutMs: 60_000, everyMs: 500, what: 'room for the services' }).catch(
      (error) => {
        throw new Error(`${error.message}: ${said}`)
      },
    )
  }, 15 * 60_000)
  afterAll(() => fleet?.[Symbol.asyncDispose](), 60_000)

  const apply = (mode: string) => applyText(toFile(mode))
  async function applyText(text: string): Promise<void> {
    const { plan, faults } = await api.call('planServices', { body: { text } })
    if (!plan) throw new Error(JSON.stringify(faults))
    await api.call('applyServicePlan', { params: { id: plan.id } })
  }
  const all = async () => (await api.call('listServices', { query: {} })).services
  const toText = (services: Awaited<ReturnType<typeof all>>) =>
    services.map(({ name, state, instances }) =>
      [name, state, ...instances.map((one) => `${one.slot} ${one.state} ${one.health} ${one.reason}`)].join(
        '; ',
      ),
    )
  /** Waits until every service is as it is to be. Throws with how they are. */
  async function until(state: string, what: string): Promise<void> {
    let last: Awaited<ReturnType<typeof all>> = []
    const isReached = async () => {
      last = await all().catch(() => [])
      return last.length > 0 && last.every((service) => service.state === state)
    }
    await poll(isReached, { timeoutMs: 90_000, everyMs: 200, what }).catch((error) => {
      throw new Error(`${error.message}: ${toText(last).join('\n')}`)
    })
  }
  const web = async () => (await api.call('showService', { params: { service: 'shop/web' } })).instances
  /** Returns what the instances of the web service answer, by their hosts' own ports. */
  async function pages(): Promise<string[]> {
    const addresses = (await web()).map(({ host, ports }) => {
      const address = hosts.find(({ name }) => name === host?.name)?.address
      return `http://${address}:${ports[0]?.published}/`
    })
    return Promise.all(addresses.map(async (url) => (await fetch(url)).text()))
  }

  it('three services of a Compose file are healthy on two hosts, and say why they are there', async () => {
    await apply('first')
    await until('healthy', 'the services to be healthy')
    expect(await pages()).toEqual(['mode first', 'mode first'])
    expect(new Set((await web()).map(({ host }) => host?.name))).toEqual(new Set(['app-1', 'app-2']))
    const why = await api.call('explainInstance', { params: { service: 'shop/web', slot: 2 }, query: {} })
    expect(why.placement).toMatchObject({ host: expect.stringMatching(/^app-/), best: expect.any(Array) })
    const log = await api.call('readInstanceLogs', {
      params: { service: 'shop/web', slot: 1 },
      body: { lines: 50 },
    })
    await api.ended(log.command.id)
    expect(await api.text(log.command.id)).toMatch(/^\S+ web out listening$/m)
    const asked = await api.call('execInInstance', {
      params: { service: 'shop/web', slot: 1 },
      body: { argv: ['/bin/sh', '-c', 'echo $MODE'] },
    })
    await api.ended(asked.command.id)
    expect(await api.text(asked.command.id)).toBe('first\n')
  })

  it('a secret of a service is in its container, and nowhere in the clear on the server or in what it shows', async () => {
    const read = await api.call('execInInstance', {
      params: { service: 'shop/shop', slot: 1 },
      body: {
        container: 'cache',
        argv: ['perl', '-e', 'open my $file, "/run/secrets/token"; print uc <$file>'],
      },
    })
    await api.ended(read.command.id)
    expect(await api.text(read.command.id)).toBe(CANARY.toUpperCase())
    const { plan } = await api.call('planServices', { body: { text: toFile('other') } })
    const service = '/api/services/shop%2Fshop'
    const paths = [
      service,
      `${service}/revisions`,
      `${service}/events`,
      `${service}/instances/1/why`,
      '/api/services',
      `/api/service-plans/${plan?.id}`,
      `/api/service-plans/${plan?.id}/text`,
      '/api/secrets',
      '/api/secrets/token',
      '/api/audit',
      '/api/runs',
    ]
    const onServer = (value: string) => whereServerShows(value, { server: fleet.server, api, paths })
    expect(await onServer(CANARY)).toEqual([])
    expect(await onServer(IMAGE), 'the search sees what is there').toEqual(
      expect.arrayContaining(['table output_chunk', 'GET /api/services']),
    )
    for (const host of hosts) {
      const found = await whereHostShows(CANARY, host)
      expect(
        found.filter((path) => !OF_SECRETS.test(path)),
        host.name,
      ).toEqual([])
      expect(await whereHostShows(IMAGE, host), 'the search sees what is there').not.toEqual([])
    }
  })

  it('a change goes on through the death of agents, runners, wardens and the server', async () => {
    await apply('second')
    await poll(async () => (await web()).some(({ state }) => state !== 'running'), {
      timeoutMs: 30_000,
      what: 'the change to begin',
    })
    const kill = (unit: string) => ['systemctl', 'kill', '--signal=KILL', unit]
    await Promise.all(hosts.map(killAgent))
    await fleet.server.restart('SIGKILL')
    for (const unit of ['rollcall-runner.service', 'rollcall-warden.service'])
      await Promise.all(hosts.map((host) => host.exec(kill(unit))))
    await until('healthy', 'the changed services to be healthy')
    expect(await pages()).toEqual(['mode second', 'mode second'])
    expect((await web()).map(({ runningRevision, revision }) => runningRevision === revision)).toEqual([
      true,
      true,
    ])
  })

  it('after a reboot without a server all is back, and the server tells it as it is', async () => {
    const urls = (await web()).map(({ host, ports }) => {
      const address = hosts.find(({ name }) => name === host?.name)?.address
      return `http://${address}:${ports[0]?.published}/`
    })
    await fleet.server.end('SIGTERM')
    await Promise.all(hosts.map((host) => host.reboot()))
    const answers = async () => {
      const pages = await Promise.all(
        urls.map((url) =>
          fetch(url).then(
            (one) => one.text(),
            () => '',
          ),
        ),
      )
      return pages.every((page) => page === 'mode second')
    }
    await poll(answers, { timeoutMs: 60_000, everyMs: 200, what: 'the instances to be back' })
    await fleet.server.start()
    await until('healthy', 'the services to be seen healthy again')
  })

  it('a service is stopped, started, restarted and removed, and its volume stays', async () => {
    const operate = (service: string, action: 'start' | 'stop' | 'restart' | 'remove', slots?: number[]) =>
      api.call('operateService', { params: { service }, body: { action, ...(slots && { slots }) } })
    const states = async () => (await web()).map(({ state, health }) => `${state} ${health}`)
    const are = (...wanted: string[]) =>
      poll(async () => (await states()).join() === wanted.join(), {
        timeoutMs: 60_000,
        everyMs: 100,
        what: `web to be ${wanted.join()}`,
      })
    await operate('shop/web', 'stop', [1])
    await are('stopped unknown', 'running success')
    await operate('shop/web', 'start', [1])
    await are('running success', 'running success')
    await operate('shop/web', 'restart')
    await are('running success', 'running success')
    for (const { project, name } of await all()) await operate(`${project}/${name}`, 'remove')
    await poll(async () => (await all()).length === 0, {
      timeoutMs: 90_000,
      everyMs: 200,
      what: 'nothing left',
    })
    const left = await Promise.all(hosts.map((host) => host.exec(['podman', 'volume', 'ls', '--quiet'])))
    expect(left.map(({ stdout }) => stdout).join('')).toContain('shop_data')
    for (const host of hosts) {
      expect(await host.output(['sh', '-c', 'ls /etc/systemd/system | grep rollcall-i- || true'])).toBe('')
      expect(await host.output(['podman', 'ps', '--all', '--quiet'])).toBe('')
    }
  })

  it('a service that a playbook makes is healthy, is changed, stopped and read, and leaves no trace', {
    timeout: 2 * STORY_MS,
  }, async () => {
    await addPlaybooks(fleet.server, 'site', SITE_PLAYBOOKS)
    const params = { service: 'site/api' }
    const instances = async () => (await api.call('showService', { params })).instances
    const pages = async (port: number) =>
      Promise.all(hosts.map(async ({ address }) => (await fetch(`http://${address}:${port}/`)).text()))
    await applyText(toSiteFile(8090))
    await until('healthy', 'what the playbook makes to be healthy')
    expect(await pages(8090)).toEqual(['port 8090', 'port 8090'])
    const [step] = await instances()
    expect(await api.text(step?.commandId ?? '')).toMatch(/^\[rollcall\] changed: .*Write the unit$/m)
    await applyText(toSiteFile(8091))
    await until('deploying', 'the change to begin')
    await until('healthy', 'the change to be healthy')
    expect(await pages(8091)).toEqual(['port 8091', 'port 8091'])
    const log = await api.call('readInstanceLogs', { params: { ...params, slot: 1 }, body: { lines: 50 } })
    await api.ended(log.command.id)
    expect(await api.text(log.command.id)).toMatch(/^\S+ api out .*GET \/ HTTP/m)
    const operate = (action: 'start' | 'stop' | 'remove') =>
      api.call('operateService', { params, body: { action } })
    await operate('stop')
    await until('stopped', 'its units to be stopped')
    await operate('start')
    await until('healthy', 'its units to run again')
    await operate('remove')
    const isGone = async () => (await all()).length === 0
    await poll(isGone, { timeoutMs: 90_000, everyMs: 200, what: 'nothing left' })
    const traces =
      'ls -d /srv/api /etc/systemd/system/api.service /etc/rollcall-services/*; grep -rl canary-4711 /etc /run /srv /var/log /var/tmp || true'
    for (const host of hosts) expect((await host.exec(['sh', '-c', traces])).stdout).toBe('')
  })
})
