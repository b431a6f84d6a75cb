import type { PortRange } from '@rollcall/contracts/admin'

/** Where agents listen, where nobody says otherwise. */
export const AGENT_PORTS: PortRange = { first: 8000, last: 65_535 }

/**
 * What Linux takes ports for outgoing connections from where nobody says otherwise (`net.ipv4.ip_local_port_range`): one that an agent
 * listens on could be such a connection's at the moment when the agent is restarted.
 */
export const USUAL_EPHEMERAL_PORTS: PortRange = { first: 32_768, last: 60_999 }

/** Ports above 8000 that people expect something else on, as single ports or ranges. */
export const COMMON_SERVICE_PORTS: readonly (number | readonly [first: number, last: number])[] = [
  [8000, 8100], // development servers, web interfaces, HTTP alternatives, proxies
  8118, // Privoxy
  8123, // ClickHouse, Home Assistant
  8125, // StatsD
  8140, // Puppet
  [8172, 8180], // web deployment, Keycloak and Tomcat beside another
  [8200, 8201], // Vault
  8291, // MikroTik
  [8300, 8302], // Consul
  8333, // Bitcoin, SeaweedFS
  [8400, 8404], // HAProxy statistics
  8428, // VictoriaMetrics
  [8442, 8448], // HTTPS alternatives, Matrix federation
  8472, // VXLAN
  [8500, 8503], // Consul
  8530, // WSUS
  8600, // Consul
  8728, // MikroTik
  [8765, 8769], // WebSocket servers
  [8834, 8835], // Nessus
  [8883, 8888], // MQTT, Jupyter
  [8983, 8984], // Solr
  [9000, 9100], // PHP-FPM, MinIO, SonarQube, Kafka, Prometheus and its first exporters
  [9101, 9140], // Bareos, exporters
  9150, // Tor
  [9160, 9170], // Cassandra, exporters
  [9187, 9189], // exporters
  [9200, 9300], // Elasticsearch, exporters
  9392, // Greenbone
  9418, // git
  9443, // HTTPS alternative, Portainer
  [9600, 9610], // Logstash
  [9995, 9999], // NetFlow, debuggers
  [10_000, 10_001], // Webmin, network backup
  [10_050, 10_051], // Zabbix
  [10_248, 10_260], // kubelet and its neighbours
  11_211, // memcached
  [11_434, 11_435], // Ollama
  [15_671, 15_672], // RabbitMQ
  16_443, // Kubernetes
  16_509, // libvirt
  [18_080, 18_081], // Spark history, Monero
  19_132, // Minecraft
  19_999, // Netdata
  [25_565, 25_575], // Minecraft
  25_672, // RabbitMQ
  [26_257, 26_258], // CockroachDB
  26_379, // Redis Sentinel
  [27_015, 27_019], // game servers, MongoDB
  28_017, // MongoDB
  [30_000, 32_767], // Kubernetes NodePorts
  33_060, // MySQL X
  [50_000, 50_100], // Jenkins agents, DB2, SAP
  51_820, // WireGuard
  61_208, // Glances
  [61_613, 61_617], // ActiveMQ
]

const isCommon = new Set(
  COMMON_SERVICE_PORTS.flatMap((entry) => {
    const [first, last] = typeof entry === 'number' ? [entry, entry] : entry
    return Array.from({ length: last - first + 1 }, (_, index) => first + index)
  }),
)

export interface PortWish {
  /** The ports to choose from, which somebody has given: each is as good as the next. Null for where agents listen by default. */
  given: PortRange | null
  /** Ports of the kernel's own, kept clear of where others are left and nobody has given any. */
  ephemeral: PortRange
}

/**
 * Chooses a port for an agent: uniformly random among those that are in none of `taken` and, where nobody has given any, neither a common
 * service's nor, if others are left, an ephemeral one.
 * @param random gives a number in [0, 1).
 * @returns undefined when none is left.
 */
export function choosePort(
  random: () => number,
  { given, ephemeral }: PortWish,
  ...taken: readonly ReadonlySet<number>[]
): number | undefined {
  const { first, last } = given ?? AGENT_PORTS
  const free: number[] = []
  for (let port = first; port <= last; port++)
    if ((given || !isCommon.has(port)) && !taken.some((ports) => ports.has(port))) free.push(port)
  const lasting = given ? free : free.filter((port) => !isWithin(ephemeral, port))
  const choice = lasting.length > 0 ? lasting : free
  return choice[Math.floor(random() * choice.length)]
}

export const isWithin = ({ first, last }: PortRange, port: number): boolean => first <= port && port <= last
