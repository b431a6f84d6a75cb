import { createHash } from 'node:crypto'
import { parseJson, RETRY_POLICIES, type RetryPolicy, RollcallError } from '@rollcall/contracts'
import pRetry from 'p-retry'
import { z } from 'zod'
import { pRetryOptions } from '../../platform/clock/p-retry-options.ts'
import { type BlobDescriptor, toDigest } from '../domain/image.ts'
import { MANIFEST_TYPES, MAX_MANIFEST_BYTES } from '../domain/manifest.ts'
import type { RegistryPlace } from '../domain/registry.ts'
import { parseChallenge, toTokenUrl } from './challenge.ts'
import { type RegistryAnswer, type RegistryHttp, refused, toFailure, unavailable } from './registry-http.ts'

const MAX_TOKEN_BYTES = 64 * 1024
const token = z
  .object({ token: z.string().optional(), access_token: z.string().optional() })
  .transform((answer) => answer.token ?? answer.access_token)

/** An index or a manifest, as a registry has it. */
export interface FetchedManifest {
  descriptor: BlobDescriptor
  data: Buffer
}

/** Reads one image of one registry. It signs in when it is asked to, and keeps the token for as long as the image is read. */
export class RegistryClient {
  private authorization: string | null = null

  constructor(
    private readonly place: RegistryPlace,
    private readonly http: RegistryHttp,
    private readonly signal: AbortSignal,
    private readonly policy: RetryPolicy = RETRY_POLICIES.registry,
  ) {}

  /**
   * Fetches an index or a manifest by tag or digest; a digest is verified. Throws `image.not_found`, `registry.*`,
   * `host.address_refused`, or the signal's reason.
   */
  fetchManifest(reference: string): Promise<FetchedManifest> {
    return this.retried(async () => {
      const url = this.toUrl('manifests', reference)
      const answer = await this.ask(url, MANIFEST_TYPES.join(', '), reference)
      const data = await readBounded(url, answer, MAX_MANIFEST_BYTES)
      const digest = toDigest(createHash('sha256').update(data).digest('hex'))
      for (const expected of [
        reference.startsWith('sha256:') ? reference : null,
        header(answer, 'docker-content-digest'),
      ])
        if (expected?.startsWith('sha256:') && expected !== digest)
          throw refused(url, `what it sent for ${reference} has the digest ${digest}, and not ${expected}`)
      const mediaType = (header(answer, 'content-type') ?? '').split(';')[0]?.trim() ?? ''
      return { descriptor: { mediaType, digest, bytes: data.length }, data }
    })
  }

  /**
   * Fetches a blob and gives its content to `store`, which returns its hash; again from the beginning where it broke off. Throws like
   * `fetchManifest`, and `registry.refused` for other content than the digest stands for.
   */
  fetchBlob(
    { digest, bytes }: BlobDescriptor,
    store: (content: AsyncIterable<Buffer>) => Promise<{ sha256: string }>,
  ): Promise<void> {
    return this.retried(async () => {
      const url = this.toUrl('blobs', digest)
      const answer = await this.ask(url, 'application/octet-stream', digest)
      const { sha256 } = await store(exactly(url, answer, bytes))
      if (toDigest(sha256) !== digest)
        throw refused(url, `what it sent for the blob ${digest} has the digest ${toDigest(sha256)}`)
    })
  }

  /** Fetches a blob that is read whole, such as a config. Throws like `fetchBlob`, and `registry.refused` for one that is too large. */
  async fetchSmallBlob(blob: BlobDescriptor): Promise<Buffer> {
    if (blob.bytes > MAX_MANIFEST_BYTES)
      throw refused(this.toUrl('blobs', blob.digest), `the blob ${blob.digest} is too large to be read whole`)
    let whole = Buffer.alloc(0)
    await this.fetchBlob(blob, async (content) => {
      const pieces: Buffer[] = []
      for await (const piece of content) pieces.push(piece)
      whole = Buffer.concat(pieces)
      return { sha256: createHash('sha256').update(whole).digest('hex') }
    })
    return whole
  }

  private retried<T>(fetch: () => Promise<T>): Promise<T> {
    return pRetry(fetch, {
      ...pRetryOptions(this.policy),
      signal: this.signal,
      shouldRetry: ({ error }) => error instanceof RollcallError && error.code === 'registry.unavailable',
    })
  }

  private toUrl(kind: 'manifests' | 'blobs', reference: string): URL {
    return new URL(`${this.place.baseUrl}/v2/${this.place.path}/${kind}/${reference}`)
  }

  private async ask(url: URL, accept: string, what: string): Promise<RegistryAnswer> {
    let answer = await this.send(url, accept)
    if (answer.status === 401) {
      answer.body.destroy()
      this.authorization = await this.signIn(answer, url)
      answer = await this.send(url, accept)
    }
    if (answer.status === 200) return answer
    answer.body.destroy()
    throw this.toError(url, answer.status, what)
  }

  private send(url: URL, accept: string): Promise<RegistryAnswer> {
    const { authorization, place, signal } = this
    const headers = { accept, ...(authorization !== null && { authorization }) }
    return this.http.get({ url, headers, ca: place.ca, signal })
  }

  /** Returns what is to be said in the header, by what the registry asks for. */
  private async signIn({ headers, addresses }: RegistryAnswer, url: URL): Promise<string> {
    const { credentials, place, signal } = this
    const challenge = parseChallenge([headers['www-authenticate'] ?? ''].flat()[0])
    if (challenge === null) throw refused(url, 'it asks for a kind of sign-in that is not supported')
    if (challenge.scheme === 'basic') {
      if (credentials === null || this.authorization !== null) throw this.credentialsRefused()
      return credentials
    }
    const tokenUrl = toTokenUrl(challenge, place.path)
    if (tokenUrl.protocol !== url.protocol && tokenUrl.protocol !== 'https:')
      throw refused(url, `it sends passwords to ${tokenUrl.origin}, which is not HTTPS`)
    const ca = tokenUrl.hostname === url.hostname ? place.ca : null
    const answer = await this.http.get({
      url: tokenUrl,
      headers: credentials === null ? {} : { authorization: credentials },
      ca,
      signal,
      namedBy: addresses,
    })
    if (answer.status !== 200) {
      answer.body.destroy()
      if (answer.status === 401 || answer.status === 403) throw this.credentialsRefused()
      throw this.toError(tokenUrl, answer.status, 'a token')
    }
    const text = (await readBounded(tokenUrl, answer, MAX_TOKEN_BYTES)).toString('utf8')
    const given = parseJson(token, text)
    if (given === undefined) throw refused(tokenUrl, 'its answer holds no token')
    return `Bearer ${given}`
  }

  private get credentials(): string | null {
    const { credentials } = this.place
    if (credentials === null) return null
    return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`
  }

  private toError(url: URL, status: number, what: string): RollcallError {
    if (status === 404)
      return new RollcallError(
        'image.not_found',
        `${this.place.host} has no ${this.place.path}, or not its ${what}. Check the name and the tag.`,
      )
    if (status === 401 || status === 403) return this.credentialsRefused()
    if (status === 429) return unavailable(url, 'it has had too many requests (HTTP 429)')
    if (status >= 500) return unavailable(url, `HTTP ${status}`)
    return refused(url, `it answers HTTP ${status} to the request for ${what}`)
  }

  private credentialsRefused(): RollcallError {
    const { host, path, credentials } = this.place
    const by = `${host} --user NAME --password-file FILE`
    return new RollcallError(
      'registry.credentials_refused',
      credentials === null
        ? `${host} wants a user and a password for ${path}, and none are set, or it has no such image. Set them: rollcall registry add ${by}`
        : `${host} refuses the user ${credentials.username} for ${path}: the password is wrong, or the user may not read it. Set them anew: rollcall registry add ${by}`,
    )
  }
}

function header({ headers }: RegistryAnswer, name: string): string | undefined {
  return [headers[name] ?? []].flat()[0]
}

async function readBounded(url: URL, { body }: RegistryAnswer, maxBytes: number): Promise<Buffer> {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of chunks(url, body)) {
    bytes += piece.length
    if (bytes > maxBytes) throw refused(url, `its answer has more than ${maxBytes} bytes`)
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

/** Yields an answer that must have exactly `bytes`. */
async function* exactly(url: URL, { body }: RegistryAnswer, bytes: number): AsyncGenerator<Buffer> {
  let seen = 0
  for await (const piece of chunks(url, body)) {
    seen += piece.length
    if (seen > bytes) throw refused(url, `it sends more than the ${bytes} bytes that the manifest says`)
    yield piece
  }
  if (seen < bytes) throw unavailable(url, `its answer ended after ${seen} of ${bytes} bytes`)
}

async function* chunks(url: URL, body: RegistryAnswer['body']): AsyncGenerator<Buffer> {
  try {
    for await (const piece of body) yield piece as Buffer
  } catch (error) {
    throw toFailure(url, error)
  }
}
