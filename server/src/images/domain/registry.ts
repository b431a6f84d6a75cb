import { DEFAULT_REGISTRY } from '@rollcall/contracts'

/** How a registry is reached. */
export interface Registry {
  /** As it stands in names of images. */
  host: string
  username: string | null
  password: string | null
  /** Registries that are asked first, each with a path before that of the image or without. */
  mirrors: string[]
  plainHttp: boolean
  /** Certificates in PEM; null for those that the system trusts. */
  ca: string | null
  addedBy: string
  addedAt: Date
}

/** A place that may have an image, and how it is asked. */
export interface RegistryPlace {
  /** As people know it. */
  host: string
  /** With a path where the registry has one. */
  baseUrl: string
  /** The name of the image there. */
  path: string
  ca: string | null
  credentials: { username: string; password: string } | null
  /** True for a mirror, whose images count as those of the registry itself. */
  isMirror: boolean
}

type Settings = Pick<Registry, 'host' | 'username' | 'password' | 'mirrors' | 'plainHttp' | 'ca'>

/** Docker Hub answers under another name than the one in the names of images. */
const DOCKER_HUB = 'registry-1.docker.io'

/** Splits the name of an image into its registry and the path there. Pure. */
export function splitRepository(repository: string): { host: string; path: string } {
  const slash = repository.indexOf('/')
  return { host: repository.slice(0, slash), path: repository.slice(slash + 1) }
}

/** Lists where an image may be, the mirrors of its registry first. `settingsOf` returns what is set for a registry. Pure. */
export function toPlaces(
  repository: string,
  settingsOf: (host: string) => Settings | undefined,
): RegistryPlace[] {
  const { host, path } = splitRepository(repository)
  const own = toPlace(host, path, settingsOf(host), false)
  const mirrors = (settingsOf(host)?.mirrors ?? []).map((mirror) => {
    const [mirrorHost = '', ...prefix] = mirror.split('/')
    return toPlace(mirrorHost, [...prefix, path].join('/'), settingsOf(mirrorHost), true)
  })
  return [...mirrors, own]
}

function toPlace(
  host: string,
  path: string,
  settings: Settings | undefined,
  isMirror: boolean,
): RegistryPlace {
  const { username = null, password = null, plainHttp = false, ca = null } = settings ?? {}
  const address = host === DEFAULT_REGISTRY ? DOCKER_HUB : host
  return {
    host,
    baseUrl: `${plainHttp ? 'http' : 'https'}://${address}`,
    path,
    ca,
    credentials: username !== null && password !== null ? { username, password } : null,
    isMirror,
  }
}
