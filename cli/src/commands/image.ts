import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { PassThrough, type Readable, Transform } from 'node:stream'
import { sanitizeText } from '@rollcall/contracts'
import type { ImagePullView, ImageView } from '@rollcall/contracts/admin'
import { UnreachableError } from '@rollcall/contracts/client'
import { poll } from '../api/poll.ts'
import { retrying } from '../api/retry.ts'
import type { Context } from '../context.ts'
import { CliError, UsageError } from '../errors.ts'
import { collectTexts, wholeNumber } from '../options/parsers.ts'
import { type AskingCommand, tableOr } from '../output/answers.ts'
import { formatMoment, formatSize } from '../output/format-measure.ts'
import { ProgressLine } from '../output/progress.ts'
import { fieldList, table } from '../output/table.ts'

const READ_BYTES = 1024 * 1024
/** The longest reason of a host that is shown. */
const MAX_WHY = 300
const SEND_AGAIN_FOR_MS = 30_000
/** How long an image may take to one host. */
const SEND_FOR_MS = 3600_000

const ADD_HELP = `
The file is what "docker save", "podman save" or "skopeo copy docker://… oci-archive:…" writes, packed with gzip or not; "-" is
standard input. Every part is verified; hosts get only parts that they lack. A host needs no registry and no internet.

Examples:
  docker save registry.lan/shop/web:2.4 | rollcall image add -
  rollcall image add web.tar --ref registry.lan/shop/web:2.4`

const PULL_HELP = `
The server pulls it: from a mirror of the registry if there is one, and with the user that "rollcall registry add" has set.
Ctrl-C leaves the pull running.

Examples:
  rollcall image pull postgres:16
  rollcall image pull registry.lan/shop/web:2.4`

const PRUNE_HELP = `
A host keeps what an instance on it runs or is to run, what its service goes back to, and spare copies; it keeps what any
container uses, too. What is removed comes again when a service needs it.

Examples:
  rollcall image prune --host web-1
  rollcall image prune --host web-1 --host web-2 --older-than 0`

interface PruneOptions {
  host: string[]
  olderThan?: number
}

export function addCommands(program: AskingCommand, context: Context): void {
  const { api } = context
  const image = program
    .command('image')
    .description('manage images of containers that the server has for hosts')
  image
    .command('list', { isDefault: true })
    .description('list images by name')
    .printsAnswer(
      () => api.call('listImages'),
      ({ images }) =>
        tableOr(
          'There are no images yet. "rollcall image add --help" and "rollcall image pull --help" show how to get some.',
          ['IMAGE', 'SIZE', 'FOR', 'FROM', 'ADDED', 'USED BY'],
          images.map(toRow),
        ),
    )
  image
    .command('show <image>')
    .description('show an image and its variants')
    .printsAnswer(
      async (ref: string) => ({ image: await findOne(context, ref) }),
      (answer) => describe(answer.image),
    )
  image
    .command('add <file>')
    .description('add the images of an archive')
    .option('--ref <name:tag>', 'the name of the image; needed where the archive says none')
    .addHelpText('after', ADD_HELP)
    .printsAnswer(
      (file: string, { ref }: { ref?: string }) => add(context, file, ref),
      ({ images }) => images.map((each) => `${each.name} ${each.digest}\n`).join(''),
    )
  image
    .command('pull <image>')
    .description('pull an image from its registry to the server')
    .addHelpText('after', PULL_HELP)
    .printsAnswer(
      (ref: string) => pull(context, ref),
      (answer) => `${answer.image.name} ${answer.image.digest}\n`,
    )
  image
    .command('send <image>')
    .description('bring an image to hosts ahead of time: the parts that they lack')
    .requiredOption('--host <name>', 'to this host; may be given again', collectTexts)
    .printsAnswer(
      (ref: string, { host }: { host: string[] }) => sendTo(context, ref, host),
      ({ hosts }) =>
        hosts.map((each) => `${each.host} ${each.digest} sent ${formatSize(each.sentBytes)}\n`).join(''),
    )
  image
    .command('prune')
    .description('remove images from hosts that nothing there needs')
    .requiredOption('--host <name>', 'from this host; may be given again', collectTexts)
    .option('--older-than <hours>', 'only what came there so long ago; 24', wholeNumber(0, 24 * 365))
    .addHelpText('after', PRUNE_HELP)
    .printsAnswer(
      (options: PruneOptions) => prune(context, options),
      ({ hosts }) => hosts.map(toPruned).join(''),
    )
  image
    .command('remove <image>')
    .description('remove an image from the server; refused while something uses it')
    .reportsChange(
      async (ref: string) => {
        const { id, name } = await findOne(context, ref)
        return { name, ...(await api.call('removeImage', { params: { id } })) }
      },
      ({ name }) => `removed ${name}; hosts keep what they have of it`,
    )
}

const toRow = ({ name, bytes, variants, source, addedAt, usedBy }: ImageView) => [
  name,
  formatSize(bytes),
  variants.map(({ architecture }) => architecture).join(', '),
  source,
  formatMoment(addedAt),
  usedBy.join(', '),
]

const toSpare = ({ service, host, state }: ImageView['spares'][number]) =>
  `${host} (${service}${state === 'there' ? '' : `, ${state}`})`

const describe = (image: ImageView) =>
  fieldList([
    ['Image', image.name],
    ['Repository', image.repository],
    ['Digest', image.digest],
    [
      'Added',
      `${image.addedAt} by ${image.addedBy}, from ${image.source === 'archive' ? 'an archive' : 'its registry'}`,
    ],
    ['Used by', image.usedBy.join(', ')],
    ['Spare on', image.spares.map(toSpare).join(', ')],
    ['On this server', image.isHere ? 'yes' : 'not all of it'],
  ]) +
  table(
    ['FOR', 'LAYERS', 'SIZE', 'DIGEST'],
    image.variants.map(({ architecture, layers, bytes, digest }) => [
      architecture,
      layers,
      formatSize(bytes),
      digest,
    ]),
  )

/** Finds the image that a name, a digest or an id stands for. Throws `CliError`. */
async function findOne({ api }: Context, ref: string): Promise<ImageView> {
  const { images } = await api.call('listImages', { query: { ref } })
  const [found] = images
  if (found) return found
  throw new CliError(`The server does not have the image ${ref}. List them: rollcall image list`, {
    code: 'image.not_found',
  })
}

async function add(context: Context, file: string, ref: string | undefined) {
  const isPiped = file === '-'
  if (isPiped && context.stdin.isTTY)
    throw new UsageError('Nothing is piped: docker save IMAGE | rollcall image add -')
  const size = isPiped ? null : await sizeOf(file)
  const content: Readable = isPiped ? context.stdin : createReadStream(file, { highWaterMark: READ_BYTES })
  const progress = new ProgressLine(context.stderr)
  let bytes = 0
  const counter = new Transform({
    transform(piece: Buffer, _encoding, done) {
      bytes += piece.length
      progress.showLine(
        bytes === size ? 'the server verifies the images' : `sent ${formatSize(bytes)}${ofTotal(size)}`,
      )
      done(null, piece)
    },
  })
  const body = content.pipe(counter).pipe(new PassThrough())
  for (const stream of [content, counter]) stream.on('error', (error) => body.destroy(error))
  try {
    return await context.api.upload('addImages', body, { query: { ref } })
  } finally {
    progress.clear()
  }
}

async function sizeOf(file: string): Promise<number> {
  const found = await stat(file).catch((error: Error) => {
    throw new UsageError(`${file} cannot be read: ${error.message}.`)
  })
  if (found.isFile()) return found.size
  throw new UsageError(`${file} is no file. Give the archive, or "-" for standard input.`)
}

const ofTotal = (total: number | null) => (total === null ? '' : ` of ${formatSize(total)}`)

/** Sends an image to hosts one after the other; a request that takes long is repeated, and waits for the one before. */
async function sendTo({ api, notice }: Context, ref: string, names: readonly string[]) {
  const hosts: { host: string; digest: string; sentBytes: number }[] = []
  for (const host of names) {
    const send = () => api.call('sendImage', { params: { host }, body: { ref } })
    // An answer that was too long in coming; what the server says of the host is no reason to go on.
    const sent = await retrying(() => send().catch(orThrowUnreachable), {
      forMs: SEND_FOR_MS,
      signal: new AbortController().signal,
      onFirstFailure: () => notice(`still sending to ${host}…`),
    })
    if (sent instanceof Error) throw sent
    hosts.push({ host, ...sent })
  }
  return { hosts }
}

/** Has hosts remove what they do not need, one after the other. */
async function prune({ api }: Context, { host: names, olderThan }: PruneOptions) {
  const body = olderThan === undefined ? {} : { olderThanHours: olderThan }
  const hosts = []
  for (const host of names)
    hosts.push({ host, ...(await api.call('pruneHostImages', { params: { host }, body })) })
  return { hosts }
}

type PrunedHost = Awaited<ReturnType<typeof prune>>['hosts'][number]

function toPruned({ host, removed, kept }: PrunedHost): string {
  if (removed.length + kept.length === 0) return `${host} has nothing that it does not need\n`
  return [
    ...removed.map(({ digest, name }) => `${host} removed ${name ?? digest}\n`),
    ...kept.map(
      ({ digest, name, why }) => `${host} keeps ${name ?? digest}: ${sanitizeText(why, MAX_WHY)}\n`,
    ),
  ].join('')
}

/** Returns an error that came from the server, and throws one of the connection. */
function orThrowUnreachable(error: Error): Error {
  if (error instanceof UnreachableError) throw error
  return error
}

async function pull(context: Context, ref: string) {
  const pullId = randomUUID()
  const { api, notice, stderr } = context
  const body = { pullId, ref }
  // It carries our own id, so nothing starts twice if the answer is lost.
  await retrying(() => api.call('pullImage', { body }), {
    forMs: SEND_AGAIN_FOR_MS,
    signal: new AbortController().signal,
    onFirstFailure: () => notice('the server does not answer, retrying…'),
  })
  const progress = new ProgressLine(stderr)
  const ask = async () => (await api.call('showImagePull', { params: { id: pullId } })).pull
  const ended = await poll(ask, (seen) => {
    if (seen.state === 'running') progress.showLine(toProgress(seen))
    return seen.state !== 'running'
  }).finally(() => progress.clear())
  if (ended.imageId === null)
    throw new CliError(
      ended.reason ??
        (ended.state === 'cancelled' ? 'The pull was cancelled.' : 'The image was removed meanwhile.'),
      { ...(ended.reasonCode !== null && { code: ended.reasonCode }) },
    )
  return api.call('showImage', { params: { id: ended.imageId } })
}

const toProgress = ({ bytes, totalBytes }: ImagePullView) =>
  totalBytes === null ? 'the server asks the registry' : `pulled ${formatSize(bytes)}${ofTotal(totalBytes)}`
