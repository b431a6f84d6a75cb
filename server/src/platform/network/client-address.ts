import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { type AddressRanges, plainAddress } from './address-ranges.ts'

/** Proxies in a row; whoever sends more is not followed further. */
const MAX_HOPS = 20

export interface Hops {
  /** Who has opened the connection. */
  peer: string
  /** `X-Forwarded-For`: each proxy adds at the end whom it was asked by. */
  forwardedFor: string | undefined
  /** `X-Forwarded-Proto` */
  forwardedProto: string | undefined
}

export interface Client {
  address: string
  /** True if a trusted proxy says that the client uses HTTPS. */
  isHttps: boolean
}

/** Says where a request comes from. The word of a proxy counts only if it is trusted, and each for the one before it. Pure. */
export function clientOf({ peer, forwardedFor, forwardedProto }: Hops, trusted: AddressRanges): Client {
  let address = plainAddress(peer) ?? peer
  if (!trusted.has(address)) return { address, isHttps: false }
  const isHttps = forwardedProto?.split(',').at(-1)?.trim().toLowerCase() === 'https'
  for (const hop of (forwardedFor ?? '').split(',').toReversed().slice(0, MAX_HOPS)) {
    const before = addressIn(hop)
    if (before === undefined) break
    address = before
    if (!trusted.has(address)) break
  }
  return { address, isHttps }
}

/** Some proxies add the port. */
function addressIn(hop: string): string | undefined {
  const text = hop.trim()
  return (
    plainAddress(text) ??
    plainAddress(/^\[([^\]]+)\]:\d{1,5}$/.exec(text)?.[1] ?? '') ??
    plainAddress(/^([\d.]+):\d{1,5}$/.exec(text)?.[1] ?? '')
  )
}

const toText = (header: string | string[] | undefined) => (Array.isArray(header) ? header.join(',') : header)

/** Says where a request, or the beginning of a WebSocket, comes from. */
export function clientOfRequest({ socket, headers }: IncomingMessage, trusted: AddressRanges): Client {
  const client = clientOf(
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

/** Says whether people reach this server by HTTPS: then cookies, origins and answers are for that alone. */
export const isSecure = (request: IncomingMessage, { publicUrl, trustedProxies }: Transport): boolean =>
  publicUrl?.startsWith('https:') === true || clientOfRequest(request, trustedProxies).isHttps
