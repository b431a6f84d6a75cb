import { makeImageArchive } from '../bed/image-archive.ts'
import type { Host } from '../bed/index.ts'
import { poll } from '../bed/poll.ts'
import type { Api } from '../fleet/api.ts'
import type { ServerProcess } from '../fleet/server-process.ts'

const PERL = '/usr/bin/perl'
const WEB = 'registry.lan/shop/web'
const QUEUE = 'registry.lan/shop/queue'
const HEALTHY_WITHIN_MS = 180_000

/** Answers requests, and writes a line of a log for one that it makes up every second or so. */
const PAGES = `use IO::Socket::INET; use IO::Select; $SIG{TERM} = sub { exit 0 }; $| = 1;
my $server = IO::Socket::INET->new(LocalPort => 8080, Listen => 9, ReuseAddr => 1) or die $!; print "listening on 8080\\n";
my $select = IO::Select->new($server); my @paths = qw(/ /cart /products/17 /products/204 /checkout /search?q=lamp); my $next = 0;
while (1) { if (time >= $next) { my $ms = int(rand(90)) + 3; my $path = $paths[rand @paths];
    if (rand() < 0.06) { print STDERR "warn slow answer of payments: \${ms}0 ms\\n" } else { print "GET $path 200 $ms ms\\n" } $next = time + 1 }
  next unless $select->can_read(1); my $client = $server->accept or next; my $asked = <$client>;
  print $client "HTTP/1.0 200 OK\\r\\nContent-Length: 3\\r\\n\\r\\nup\\n"; close $client }`
/** Takes connections, says nothing, and does not become ready: its second check asks a page that it does not have. */
const QUIET = `use IO::Socket::INET; $SIG{TERM} = sub { exit 0 }; $| = 1; print "ready for jobs\\n";
my $server = IO::Socket::INET->new(LocalPort => 6379, Listen => 9, ReuseAddr => 1) or die $!;
while (my $client = $server->accept) { close $client }`

/** A program as a file of Compose has it: a dollar alone would be a variable. */
const toArgument = (program: string) => JSON.stringify(program.replaceAll('$', () => '$$'))

const toFile = (tag: string, cart: string) => `name: shop
services:
  web:
    image: ${WEB}:${tag}
    environment: {CART: ${cart}, LOG_LEVEL: info}
    ports: ["8080"]
    secrets: [session_key]
    deploy: {replicas: 4}
    command: [${PERL}, -e, ${toArgument(PAGES)}]
    x-rollcall:
      place: {select: "role=web", spread: [zone], max_per_host: 2}
      checks: [{http: /up, port: 8080, interval: 1s}]
  workers:
    image: ${QUEUE}:7.2
    deploy: {replicas: 2}
    command: [${PERL}, -e, ${toArgument(QUIET)}]
    x-rollcall:
      place: {select: "role=web", max_per_host: 1}
      checks: [{tcp: 6379, interval: 1s}, {http: /metrics, port: 9100, interval: 1s, critical: false}]
  search:
    image: ${QUEUE}:7.2
    deploy: {replicas: 2}
    command: [${PERL}, -e, ${toArgument(QUIET)}]
    x-rollcall: {place: {select: "ssd=true"}}
  db:
    image: ${QUEUE}:7.2
    volumes: ["data:/data"]
    command: [${PERL}, -e, ${toArgument(QUIET)}]
    x-rollcall: {place: {select: "role=web"}, checks: [{tcp: 6379, interval: 1s}]}
volumes:
  data:
secrets:
  session_key: {external: true}
`

/** Runs services on those hosts that have podman, in a second revision. Returns the id of the plan that was applied last. */
export async function runServices(server: ServerProcess, api: Api, host: Host): Promise<string> {
  for (const name of [`${WEB}:2.3`, `${WEB}:2.4`, `${QUEUE}:7.2`]) await addImage(server, host, name)
  const data = Buffer.from('of the showcase').toString('base64')
  await api.call('setSecret', { body: { name: 'session_key', data } })
  await apply(api, toFile('2.3', 'v1'))
  const planId = await apply(api, toFile('2.4', 'v2'))
  await untilHealthy(api)
  return planId
}

async function addImage(server: ServerProcess, host: Host, name: string): Promise<void> {
  const archive = await makeImageArchive(host, {
    name,
    programs: [PERL],
    command: [PERL, '-e', `print "${name}"`],
  })
  const { code, stderr } = await server.cli('image', 'add', archive)
  if (code !== 0) throw new Error(`${name} was not added: ${stderr}`)
}

/** Applies a file as soon as its web servers have hosts. Returns the plan's id. */
async function apply(api: Api, text: string): Promise<string> {
  let planId = ''
  let said = ''
  await poll(
    async () => {
      const { plan, faults } = await api.call('planServices', { body: { text } })
      const web = plan?.services.find(({ service }) => service === 'web')
      planId = plan?.id ?? ''
      said = JSON.stringify(web?.placements.map(({ reason }) => reason) ?? faults)
      return web?.placements.every((placement) => placement.host !== null)
    },
    { timeoutMs: 90_000, everyMs: 1000, what: 'room for the services' },
  ).catch((error) => {
    throw new Error(`${error.message}: ${said}`)
  })
  await api.call('applyServicePlan', { params: { id: planId } })
  return planId
}

async function untilHealthy(api: Api): Promise<void> {
  let last = ''
  const isHealthy = async () => {
    const { service, instances } = await api.call('showService', { params: { service: 'shop/web' } })
    last = instances
      .map(({ slot, state, health, reason }) => `.${slot} ${state} ${health} ${reason}`)
      .join('; ')
    return service.state === 'healthy'
  }
  await poll(isHealthy, {
    timeoutMs: HEALTHY_WITHIN_MS,
    everyMs: 500,
    what: 'the web servers to be healthy',
  }).catch((error) => {
    throw new Error(`${error.message}: ${last}`)
  })
}
