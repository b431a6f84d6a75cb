import { Inject, Injectable } from '@nestjs/common'
import { parseJson, RollcallError } from '@rollcall/contracts'
import {
  LIVE_TOPICS,
  type LiveEvent,
  type LiveRequest,
  type LiveTopic,
  liveRequest,
} from '@rollcall/contracts/admin'
import type { WebSocket } from 'ws'
import { may, notFound, type Principal, ScopeRepository } from '../access/index.ts'
import { CommandEvents, CommandsService, OutputReader } from '../commands/index.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { RunsRepository, RunsService } from '../runs/index.ts'
import { TransferEvents, TransfersService } from '../transfers/index.ts'
import { CommandFollower } from './command-follower.ts'
import { FleetFeed } from './fleet-feed.reconciler.ts'
import { RunFollower } from './run-follower.ts'
import { ServicesFeed } from './services-feed.reconciler.ts'
import { TransferFollower } from './transfer-follower.ts'

/** The kinds of things that one connection may follow, and how many of each. */
const KINDS = {
  command: { topic: 'follow', max: 1000, many: 'commands' },
  run: { topic: 'follow-run', max: 8, many: 'runs' },
  transfer: { topic: 'follow-transfer', max: 8, many: 'transfers' },
} as const
type Kind = keyof typeof KINDS

/** The close code of WebSocket that stands for HTTP's 401. */
const SIGNED_OUT = 4401
const HOW_TO_ASK =
  'Send {"type":"follow","commandId":"…","offset":0}, {"type":"follow-run","runId":"…"}, {"type":"follow-transfer","transferId":"…"}, {"type":"watch-fleet"} or {"type":"watch-services"}.'

/** Provides what live connections read and follow. */
@Injectable()
export class LiveSources {
  constructor(
    readonly scopes: ScopeRepository,
    readonly commands: CommandsService,
    readonly outputs: OutputReader,
    readonly runs: RunsService,
    readonly runsRepository: RunsRepository,
    readonly events: CommandEvents,
    readonly transfers: TransfersService,
    readonly transferEvents: TransferEvents,
    readonly fleet: FleetFeed,
    readonly services: ServicesFeed,
    @Inject(LOGGER) readonly log: Logger,
  ) {}
}

/** As errors name what was followed. */
type About = { commandId: string } | { runId: string } | { transferId: string }
type FollowRequest = LiveRequest & { type: (typeof KINDS)[Kind]['topic'] }
type FleetRequest = LiveRequest & { type: 'watch-fleet' }
type ServicesRequest = LiveRequest & { type: 'watch-services' }
type WatchRequest = LiveRequest & { type: `${'' | 'un'}watch-${string}` }

interface Following {
  about: About
  follower: CommandFollower | RunFollower | TransferFollower
}

/** One viewer: what it follows, and with whose rights. */
export class LiveConnection {
  private readonly followed = new Map<string, Following>()
  private watching: FleetRequest | undefined
  private watchingServices: ServicesRequest | undefined

  constructor(
    private readonly socket: WebSocket,
    private principal: Principal,
    private readonly sources: LiveSources,
  ) {}

  /** Does what the viewer asks for. */
  take(text: string): void {
    const request = parseJson(liveRequest, text)
    if (!request) this.sendError({}, 'request.invalid', HOW_TO_ASK)
    else if (!may(this.principal, LIVE_TOPICS[topicOf(request)].access)) this.sendForbidden({})
    else if (request.type === 'watch-fleet') this.watchFleet(request)
    else if (request.type === 'unwatch-fleet') this.unwatchFleet()
    else if (request.type === 'watch-services') this.watchServices(request)
    else if (request.type === 'unwatch-services') this.unwatchServices()
    else this.takeUp(request)
  }

  private takeUp(request: Exclude<LiveRequest, WatchRequest>): void {
    const about = aboutOf(request)
    this.unfollow(about)
    if (isFollowing(request)) this.follow(request, about)
  }

  /**
   * Goes on with what the viewer may see by now: what lies outside ends with the error that a new request would get. Closes the
   * connection of who may see nothing.
   */
  async recheck(principal: Principal | undefined): Promise<void> {
    if (!principal) {
      this.close()
      this.socket.close(SIGNED_OUT, 'sign in again')
      return
    }
    const before = this.principal
    this.principal = principal
    this.recheckWatches(before, principal)
    const mayRead = (about: About) => may(principal, LIVE_TOPICS[KINDS[toKind(about)].topic].access)
    const asked = [...this.followed].filter(([, { about }]) => mayRead(about) || this.forbid(about))
    const seen = await this.visible(principal)
    for (const [key, following] of asked) {
      // What was followed anew meanwhile was asked for itself.
      if (seen.has(key) || this.followed.get(key) !== following) continue
      this.unfollow(following.about)
      this.reportFailure(following.about, missing(following.about))
    }
  }

  private recheckWatches(before: Principal, now: Principal): void {
    const isMoved = JSON.stringify(before.scope) !== JSON.stringify(now.scope)
    if (this.watching && !may(now, LIVE_TOPICS['watch-fleet'].access)) {
      this.unwatchFleet()
      this.sendForbidden({})
    } else if (this.watching && isMoved) this.watchFleet({ ...this.watching, since: undefined })
    if (this.watchingServices && !may(now, LIVE_TOPICS['watch-services'].access)) {
      this.unwatchServices()
      this.sendForbidden({})
    } else if (this.watchingServices && isMoved) this.watchServices(this.watchingServices)
  }

  close(): void {
    for (const { about } of this.followed.values()) this.unfollow(about)
    this.unwatchFleet()
    this.unwatchServices()
  }

  private watchServices(request: ServicesRequest): void {
    this.watchingServices = request
    this.sources.services.watch(this.socket, this.principal, request.serviceId)
  }

  private unwatchServices(): void {
    this.watchingServices = undefined
    this.sources.services.unwatch(this.socket)
  }

  private watchFleet(request: FleetRequest): void {
    this.watching = request
    this.sources.fleet.watch(this.socket, this.principal.scope, request)
  }

  private unwatchFleet(): void {
    this.watching = undefined
    this.sources.fleet.unwatch(this.socket)
  }

  private unfollow(about: About): void {
    const key = keyOf(about)
    this.followed.get(key)?.follower.stop()
    this.followed.delete(key)
  }

  /** Ends what somebody may not look at any more. */
  private forbid(about: About): false {
    this.unfollow(about)
    this.sendForbidden(about)
    return false
  }

  private follow(request: FollowRequest, about: About): void {
    const kind = toKind(about)
    const { max, many } = KINDS[kind]
    if (this.idsOf(kind).length >= max) {
      this.sendError(about, 'server.overloaded', `One connection follows at most ${max} ${many}.`)
      return
    }
    const follower = this.followerOf(request)
    const key = keyOf(about)
    this.followed.set(key, { about, follower })
    this.refuseOutside(about)
      .then(() => follower.run())
      .catch((error) => this.reportFailure(about, error))
      .finally(() => {
        if (this.followed.get(key)?.follower === follower) this.followed.delete(key)
      })
  }

  private followerOf(request: FollowRequest): Following['follower'] {
    const { runs, runsRepository, events, transfers, transferEvents } = this.sources
    if (request.type === 'follow-run')
      return new RunFollower(request.runId, this.principal.scope, this.socket, runs, runsRepository, events)
    if (request.type === 'follow-transfer')
      return new TransferFollower(request.transferId, this.socket, transfers, transferEvents)
    return new CommandFollower(request.commandId, request, this.socket, this.sources)
  }

  private idsOf(kind: Kind): string[] {
    return [...this.followed.values()].flatMap(({ about }) => (toKind(about) === kind ? [idOf(about)] : []))
  }

  /** Throws `*.not_found` for what is outside of the principal's scope. */
  private async refuseOutside(about: About): Promise<void> {
    if (!(await this.sources.scopes.exists(toKind(about), this.principal.scope, idOf(about))))
      throw missing(about)
  }

  /** Returns the keys of all that is followed and exists for a principal. */
  private async visible({ scope }: Principal): Promise<Set<string>> {
    const kinds = Object.keys(KINDS) as Kind[]
    const seen = await Promise.all(
      kinds.map(async (kind) => {
        const ids = await this.sources.scopes.filterExisting(kind, scope, this.idsOf(kind))
        return [...ids].map((id) => `${kind}/${id}`)
      }),
    )
    return new Set(seen.flat())
  }

  private reportFailure(about: About, error: unknown): void {
    const known = error instanceof RollcallError ? error : undefined
    if (!known) this.sources.log.warn({ err: error, ...about }, 'a viewer could not be served')
    this.sendError(
      about,
      known?.code ?? 'server.database_unavailable',
      known?.message ?? 'The output cannot be read at the moment. Follow it again from your offset.',
    )
  }

  private sendForbidden(about: Partial<About>): void {
    this.sendError(about, 'request.forbidden', `${this.principal.name} may not look at this. Ask an admin.`)
  }

  private sendError(about: Partial<About>, code: string, message: string): void {
    const event: LiveEvent = { type: 'error', commandId: null, ...about, code, message }
    if (this.socket.readyState === this.socket.OPEN) this.socket.send(JSON.stringify(event))
  }
}

/** Ending a topic is up to whoever may ask for it. */
const topicOf = ({ type }: LiveRequest) => type.replace(/^un/, '') as LiveTopic

const isFollowing = (request: LiveRequest): request is FollowRequest => request.type.startsWith('follow')

function aboutOf(request: Exclude<LiveRequest, WatchRequest>): About {
  if ('runId' in request) return { runId: request.runId }
  if ('transferId' in request) return { transferId: request.transferId }
  return { commandId: request.commandId }
}

const toKind = (about: About): Kind =>
  'runId' in about ? 'run' : 'transferId' in about ? 'transfer' : 'command'

const idOf = (about: About): string =>
  'runId' in about ? about.runId : 'transferId' in about ? about.transferId : about.commandId

const keyOf = (about: About): string => `${toKind(about)}/${idOf(about)}`

const missing = (about: About) => notFound(toKind(about), idOf(about))
