import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { type AddressRanges, plainAddress } from './address-ranges.ts'

/** The maximum number of proxies in a row to follow. */
const MAX_HOPS = 20

export interface Hops {
  /** The address that opened the connection. */
  peer: string
  /** `X-Forwarded-For`: each proxy appends the address of its caller. */
  forwardedFor: string | undefined
  /** `X-Forwarded-Proto` */
  forwardedProto: string | undefined
}

export interface Client {
  address: string
  /** True if a trusted proxy says that the client uses HTTPS. */
  isHttps: boolean
}

/** Returns the client of a request. Forwarded addresses count only as far as each proxy is trusted. Pure. */
export function resolveClient({ peer, forwardedFor, forwardedProto }: Hops, trusted: AddressRanges): Client {
  let address = plainAddress(peer) ?? peer
  if (!trusted.has(address)) return { address, isHttps: false }
  const isHttps = forwardedProto?.split(',').at(-1)?.trim().toLowerCase() === 'https'
  for (const hop of (forwardedFor ?? '').split(',').toReversed().slice(0, MAX_HOPS)) {
    const before = parseHop(hop)
    if (before === undefined) break
    address = before
    if (!trusted.has(address)) break
  }
  return { address, isHttps }
}

/** Parses an address to which some proxies add the port. */
function parseHop(hop: string): string | undefined {
  const text = hop.trim()
  return (
    plainAddress(text) ??
    plainAddress(/^\[([^\]]+)\]:\d{1,5}$/.exec(text)?.[1] ?? '') ??
    plainAddress(/^([\d.]+):\d{1,5}$/.exec(text)?.[1] ?? '')
  )
}

const toText = (header: string | string[] | undefined) => (Array.isArray(header) ? header.join(',') : header)

/** Returns the client of a request or WebSocket handshake. */
export function toClient({ socket, headers }: IncomingMessage, trusted: AddressRanges): Client {
  const client = resolveClient(
    {
      peer: socket.remoteAddress ?? '',
      forwardedFor: toText(headers['x-forwarded-for']),
      forwardedProto: toText(headers['x-forwarded-proto']),
    },
    trusted,
  )
  return (socket as TLSSocket).encrypted ? { ...client, isHttps: true } : client
}

/** The configuration of how users reach this server. */
export interface Transport {
  publicUrl: string | undefined
  trustedProxies: AddressRanges
}

/** Returns whether the client uses HTTPS; cookies, origins and responses are then restricted to HTTPS. */
export const isSecure = (request: IncomingMessage, { publicUrl, trustedProxies }: Transport): boolean =>
  publicUrl?.startsWith('https:') === true || toClient(request, trustedProxies).isHttps
