import type { LookupFunction } from 'node:net'
import { isIPv6 } from 'node:net'
import { Injectable } from '@nestjs/common'
import { RollcallError, sanitizeText } from '@rollcall/contracts'
import { Agent, type Dispatcher, request } from 'undici'
import { OutgoingAddresses } from '../../platform/network/outgoing-addresses.ts'
import { reachableFrom } from '../../platform/network/private-addresses.ts'

const CONNECT_TIMEOUT_MS = 10_000
const ANSWER_TIMEOUT_MS = 30_000
/** The longest silence in the middle of an answer. */
const IDLE_TIMEOUT_MS = 60_000
const MAX_REDIRECTS = 5
const REDIRECTS = new Set([301, 302, 303, 307, 308])

export interface RegistryRequest {
  url: URL
  headers: Record<string, string>
  ca: string | null
  signal: AbortSignal
  /** The addresses of whoever named this URL; null for one that the user named. */
  namedBy?: readonly string[] | null
}

export interface RegistryAnswer {
  status: number
  headers: Dispatcher.ResponseData['headers']
  /** To be read or destroyed. */
  body: Dispatcher.ResponseData['body']
  /** The addresses of the host that was asked first. */
  addresses: readonly string[]
}

/** Sends requests to registries: only to addresses that were judged, and along redirects that lead into no private network. */
@Injectable()
export class RegistryHttp {
  constructor(private readonly outgoing: OutgoingAddresses) {}

  /** Gets a URL. Throws `registry.unavailable`, `registry.refused`, `host.address_refused`, or the signal's reason. */
  async get({ url, headers, ca, signal, namedBy = null }: RegistryRequest): Promise<RegistryAnswer> {
    let at = url
    let from = namedBy
    let first: readonly string[] | null = null
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      const addresses = await this.resolve(at, from)
      first ??= addresses
      from ??= addresses
      const isSame = at.origin === url.origin
      const { authorization: _, ...open } = headers
      const answer = await send(at, addresses, {
        headers: isSame ? headers : open,
        ca: isSame ? ca : null,
        signal,
      })
      const location = answer.headers.location
      if (!REDIRECTS.has(answer.statusCode) || typeof location !== 'string')
        return { status: answer.statusCode, headers: answer.headers, body: answer.body, addresses: first }
      answer.body.destroy()
      at = toTarget(at, location)
    }
    throw refused(url, `it redirects more than ${MAX_REDIRECTS} times`)
  }

  private async resolve(url: URL, from: readonly string[] | null): Promise<string[]> {
    const found = await this.outgoing.resolve(url.hostname).catch((cause: unknown) => {
      if (cause instanceof RollcallError) throw cause
      throw unavailable(url, `its name cannot be resolved (${(cause as NodeJS.ErrnoException).code})`, cause)
    })
    const addresses = from === null ? found : reachableFrom(from, found)
    if (addresses.length > 0) return addresses
    throw refused(url, `it is in a private network (${found[0]}), and a registry outside of it leads there`)
  }
}

/** Returns where a redirect leads: never from HTTPS to HTTP. */
function toTarget(from: URL, location: string): URL {
  const target = URL.parse(location, from.href)
  if (target && (target.protocol === 'https:' || (target.protocol === 'http:' && from.protocol === 'http:')))
    return target
  throw refused(from, `it redirects to ${sanitizeText(location, 100)}, which is not HTTPS`)
}

async function send(
  url: URL,
  addresses: readonly string[],
  { headers, ca, signal }: Pick<RegistryRequest, 'headers' | 'ca' | 'signal'>,
): Promise<Dispatcher.ResponseData> {
  const agent = new Agent({
    connect: { timeout: CONNECT_TIMEOUT_MS, lookup: lookupOf(addresses), ...(ca !== null && { ca }) },
    headersTimeout: ANSWER_TIMEOUT_MS,
    bodyTimeout: IDLE_TIMEOUT_MS,
  })
  const close = () => void agent.destroy().catch(() => undefined)
  try {
    const answer = await request(url, { method: 'GET', headers, dispatcher: agent, signal })
    answer.body.once('close', close)
    // Whoever reads the body gets its error; one that is destroyed unread has nobody to tell.
    answer.body.on('error', () => undefined)
    return answer
  } catch (error) {
    close()
    signal.throwIfAborted()
    throw toFailure(url, error)
  }
}

/** Answers with the judged addresses, whatever the name stands for by now. */
const lookupOf =
  (addresses: readonly string[]): LookupFunction =>
  (_name, options, callback) => {
    const all = addresses.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }))
    const [first = { address: '', family: 4 }] = all
    if (options.all) callback(null, all)
    else callback(null, first.address, first.family)
  }

/** Says what a failed exchange means. */
export function toFailure(url: URL, error: unknown): RollcallError {
  if (error instanceof RollcallError) return error
  const { code = '', message } = error as NodeJS.ErrnoException
  if (/CERT|SELF_SIGNED|UNABLE_TO_/.test(code))
    return new RollcallError(
      'registry.refused',
      `The certificate of ${url.host} is not trusted (${code}). If it is your own, give its authority: rollcall registry add ${url.host} --ca FILE`,
      { cause: error },
    )
  if (/SSL|EPROTO/.test(code))
    return refused(
      url,
      `it does not speak TLS (${code}); for plain HTTP: rollcall registry add ${url.host} --plain-http`,
    )
  return unavailable(url, code === '' ? sanitizeText(message, 200) : code, error)
}

/** Returns the error for an answer that asking again does not change. */
export const refused = (url: URL, why: string) =>
  new RollcallError('registry.refused', `${url.host} cannot be used: ${why}.`)

/** Returns the error for what may pass. */
export const unavailable = (url: URL, why: string, cause?: unknown) =>
  new RollcallError(
    'registry.unavailable',
    `${url.host} does not answer: ${why}. See that the server reaches it, then try again.`,
    { cause },
  )
