import { homedir } from 'node:os'
import { join } from 'node:path'
import { fieldErrors, RollcallError } from '@rollcall/contracts'
import { agentPorts } from '@rollcall/contracts/admin'
import { MAX_RELEASE_KEYS, releaseKey } from '@rollcall/contracts/agent'
import { z } from 'zod'
import { AddressRanges, parseRange } from '../network/address-ranges.ts'
import { parseTrustedProxies } from '../network/trusted-proxies.ts'
import { agentCallers } from './agent-callers.ts'
import { OIDC_VARIABLES, type OidcConfig, readOidcConfig } from './oidc-config.ts'
import { splitList } from './split-list.ts'

const DEFAULT_PORT = 8420

const wholeNumber = (min: number, max: number) => z.coerce.number().int().min(min).max(max)

const environment = z.object({
  ROLLCALL_DATA_DIR: z.string().regex(/^\//, 'must be an absolute path').optional(),
  ROLLCALL_LISTEN: z
    .string()
    .regex(/^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):\d{1,5}$/, 'must be address:port, such as 127.0.0.1:8420')
    .optional(),
  ROLLCALL_PUBLIC_URL: z
    .url('must be the URL under which users reach the server, such as https://rollcall.example')
    .regex(/^https?:/, 'must start with https:// or http://')
    .optional(),
  ROLLCALL_ALLOWED_ORIGINS: z.string().default(''),
  ROLLCALL_TRUSTED_PROXIES: z.string().default(''),
  ROLLCALL_ALLOWED_ADDRESSES: z.string().default(''),
  ...OIDC_VARIABLES,
  ROLLCALL_MASTER_KEY: z.string().optional(),
  ROLLCALL_OLD_MASTER_KEY: z.string().optional(),
  ROLLCALL_OUTPUT_DAYS: wholeNumber(1, 36_500).default(30),
  ROLLCALL_OUTPUT_BYTES: wholeNumber(64 * 1024, 2 ** 40).default(1024 ** 3),
  ROLLCALL_OUTPUT_TOTAL_BYTES: wholeNumber(1024 ** 2, 2 ** 50).default(50 * 1024 ** 3),
  ROLLCALL_ROTATE_DAYS: wholeNumber(1, 36_500).optional(),
  ROLLCALL_AGENT_PORTS: agentPorts.optional(),
  ROLLCALL_FILES_BYTES: wholeNumber(1024 ** 2, 2 ** 50).default(20 * 1024 ** 3),
  ROLLCALL_IMAGES_BYTES: wholeNumber(1024 ** 2, 2 ** 50).default(100 * 1024 ** 3),
  ROLLCALL_AGENT_CALLERS: agentCallers,
  ROLLCALL_RELEASE_KEYS: z
    .string()
    .default('')
    .transform(splitList)
    .pipe(z.array(releaseKey).max(MAX_RELEASE_KEYS)),
  ROLLCALL_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  ROLLCALL_AGENT_FOLDER: z.string().regex(/^\//, 'must be an absolute path').optional(),
  ROLLCALL_ANSIBLE_BUNDLE: z
    .string({
      error: 'must be the path of the Ansible archive for hosts; "npm start" builds it and sets this',
    })
    .regex(/^\//, 'must be an absolute path'),
  ROLLCALL_PLAIN_ANSIBLE: z.stringbool({ error: 'must be true or false' }).default(false),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must start with postgresql://')
    .optional(),
  REDIS_URL: z
    .string()
    .regex(/^(rediss?:\/\/|unix:\/\/|\/)/, 'must be redis://…, rediss://… or the path of a unix socket')
    .optional(),
})

export interface Config {
  /** The folder for everything outside the database; an absolute path. */
  dataDir: string
  listen: { host: string; port: number; isDefault: boolean }
  /** The URL under which users reach the server, without a trailing slash; undefined for its own address. */
  publicUrl: string | undefined
  /** Origins whose pages may act for a browser's user, including the public one. */
  allowedOrigins: string[]
  /** Proxies whose forwarded headers are trusted. */
  trustedProxies: AddressRanges
  /**
   * Addresses the server may connect to for users although they are its own, link-local or a cloud's metadata service.
   */
  allowedAddresses: AddressRanges
  /** Undefined without single sign-on. */
  oidc: OidcConfig | undefined
  masterKey: string | undefined
  /** The previous master key, set only for the start that changes it. */
  oldMasterKey: string | undefined
  /** Addresses and networks that may call agents; empty for no restriction. */
  agentCallers: string[]
  /** The operator's public keys for signing releases; empty if the servers sign. */
  releaseKeys: string[]
  logLevel: 'debug' | 'info' | 'warn' | 'error'
  /** The folder with the agent's archives; undefined for the build's own. */
  agentFolder: string | undefined
  /** The archive with the Ansible for hosts. */
  ansibleBundle: string
  /** Hosts run that Ansible unmodified, without the changes that make it faster. */
  isAnsiblePlain: boolean
  /** The number of days to keep the output of ended commands. */
  outputDays: number
  /** The maximum stored output per command, in bytes. */
  outputBytes: number
  /** The maximum stored output of all commands, in bytes. */
  outputTotalBytes: number
  /** The age at which an agent's credentials are rotated automatically; null for never. */
  rotateDays: number | null
  /** The default port or range of agents, such as `7000` or `7000-7100`; null for random ports. */
  agentPorts: string | null
  /** The maximum size of stored files in transit, in bytes. */
  filesBytes: number
  /** The maximum size of stored images of containers, in bytes. */
  imagesBytes: number
  /** Undefined for the embedded PostgreSQL. */
  databaseUrl: string | undefined
  /** Undefined for the queue in PostgreSQL. */
  redisUrl: string | undefined
}

/** Reads the configuration from the environment. Throws `server.config_invalid` naming every invalid variable. */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''))
  const parsed = environment.safeParse(given)
  if (!parsed.success) {
    const fields = fieldErrors(parsed.error.issues, 'environment')
    throw new RollcallError(
      'server.config_invalid',
      `Invalid environment: ${fields.map((f) => `${f.field} ${f.message}`).join('; ')}.`,
      { fields },
    )
  }
  const value = parsed.data
  const publicUrl = value.ROLLCALL_PUBLIC_URL?.replace(/\/+$/, '')
  return {
    dataDir: value.ROLLCALL_DATA_DIR ?? defaultDataDir(env),
    listen: parseListen(value.ROLLCALL_LISTEN),
    publicUrl,
    oidc: readOidcConfig(value, publicUrl),
    allowedOrigins: readOrigins(value.ROLLCALL_ALLOWED_ORIGINS, publicUrl),
    trustedProxies: readTrustedProxies(value.ROLLCALL_TRUSTED_PROXIES),
    allowedAddresses: readRanges('ROLLCALL_ALLOWED_ADDRESSES', value.ROLLCALL_ALLOWED_ADDRESSES),
    masterKey: value.ROLLCALL_MASTER_KEY,
    oldMasterKey: value.ROLLCALL_OLD_MASTER_KEY,
    agentCallers: value.ROLLCALL_AGENT_CALLERS,
    releaseKeys: value.ROLLCALL_RELEASE_KEYS,
    logLevel: value.ROLLCALL_LOG_LEVEL,
    agentFolder: value.ROLLCALL_AGENT_FOLDER,
    ansibleBundle: value.ROLLCALL_ANSIBLE_BUNDLE,
    isAnsiblePlain: value.ROLLCALL_PLAIN_ANSIBLE,
    outputDays: value.ROLLCALL_OUTPUT_DAYS,
    outputBytes: value.ROLLCALL_OUTPUT_BYTES,
    outputTotalBytes: value.ROLLCALL_OUTPUT_TOTAL_BYTES,
    rotateDays: value.ROLLCALL_ROTATE_DAYS ?? null,
    agentPorts: value.ROLLCALL_AGENT_PORTS ?? null,
    filesBytes: value.ROLLCALL_FILES_BYTES,
    imagesBytes: value.ROLLCALL_IMAGES_BYTES,
    databaseUrl: value.DATABASE_URL,
    redisUrl: value.REDIS_URL,
  }
}

const invalid = (message: string) =>
  new RollcallError('server.config_invalid', `Invalid environment: ${message}.`)

function readTrustedProxies(text: string): AddressRanges {
  const parsed = parseTrustedProxies(text)
  if (typeof parsed === 'string') throw invalid(`ROLLCALL_TRUSTED_PROXIES ${parsed}`)
  return parsed
}

function readRanges(name: string, text: string): AddressRanges {
  const items = text.split(/[\s,]+/).filter(Boolean)
  const ranges = items.map((item) => {
    const range = parseRange(item)
    if (range) return range
    throw invalid(
      `${name} holds "${item.slice(0, 100)}", which is not an address; use addresses such as 127.0.0.1 or ranges such as fe80::/10, separated by commas`,
    )
  })
  return new AddressRanges(ranges)
}

function readOrigins(text: string, publicUrl: string | undefined): string[] {
  const origins = splitList(text).map((origin) => {
    if (!/^https?:\/\/[^/]+$/i.test(origin) || !URL.canParse(origin))
      throw invalid(
        `ROLLCALL_ALLOWED_ORIGINS holds "${origin.slice(0, 100)}", which is not an origin such as https://admin.example`,
      )
    if (publicUrl?.startsWith('https:') && origin.toLowerCase().startsWith('http:'))
      throw invalid(
        `ROLLCALL_ALLOWED_ORIGINS holds ${origin}, whose pages can be modified in transit, although ROLLCALL_PUBLIC_URL uses HTTPS`,
      )
    return new URL(origin).origin
  })
  return publicUrl === undefined ? origins : [...origins, new URL(publicUrl).origin]
}

function defaultDataDir(env: NodeJS.ProcessEnv): string {
  if (process.getuid?.() === 0) return '/var/lib/rollcall'
  return join(env.XDG_DATA_HOME ?? join(homedir(), '.local', 'share'), 'rollcall')
}

function parseListen(text: string | undefined): Config['listen'] {
  if (text === undefined) return { host: '127.0.0.1', port: DEFAULT_PORT, isDefault: true }
  const colon = text.lastIndexOf(':')
  const port = Number(text.slice(colon + 1))
  if (port > 65_535)
    throw new RollcallError(
      'server.config_invalid',
      `ROLLCALL_LISTEN names port ${port}; a port is at most 65535.`,
    )
  return { host: text.slice(0, colon).replace(/^\[|\]$/g, ''), port, isDefault: false }
}
