import type { PortRange } from '@rollcall/contracts/admin'

/** The default range of agent ports. */
export const AGENT_PORTS: PortRange = { first: 8000, last: 65_535 }

/**
 * The default range of ephemeral ports in Linux (`net.ipv4.ip_local_port_range`). An outgoing connection could hold
 * such a port when the agent restarts.
 */
export const USUAL_EPHEMERAL_PORTS: PortRange = { first: 32_768, last: 60_999 }

/** Ports above 8000 of common services, as single ports or ranges. */
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

export interface PortPreference {
  /** The configured range, whose ports are all equal; null for the default range. */
  given: PortRange | null
  /** The kernel's ephemeral ports, avoided if possible unless a range is configured. */
  ephemeral: PortRange
}

/**
 * Chooses a random port that is not in `taken`. Without a configured range, it avoids common services and, if possible,
 * ephemeral ports. `random` returns a number in [0, 1). Returns undefined if none is free.
 */
export function choosePort(
  random: () => number,
  { given, ephemeral }: PortPreference,
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
