import { RollcallError } from '@rollcall/contracts'
import {
  LIVE_TOPICS,
  type LiveEvent,
  type LiveRequest,
  type LiveTopic,
  liveRequest,
} from '@rollcall/contracts/admin'
import type { WebSocket } from 'ws'
import { may, notFound, type Principal, type ScopeRepository } from '../access/index.ts'
import type { CommandEvents, CommandsService } from '../commands/index.ts'
import type { Logger } from '../platform/log.ts'
import type { RunsRepository, RunsService } from '../runs/index.ts'
import { CommandFollower } from './command-follower.ts'
import type { FleetFeed } from './fleet-feed.ts'
import { RunFollower } from './run-follower.ts'

const MAX_FOLLOWED_PER_SOCKET = 1000
const MAX_RUNS_PER_SOCKET = 8
/** Of the codes that applications may use: what 401 is for HTTP. */
const SIGNED_OUT = 4401
const HOW_TO_ASK =
  'Send {"type":"follow","commandId":"…","offset":0}, {"type":"follow-run","runId":"…"} or {"type":"watch-fleet"}.'

export interface LiveSources {
  scopes: ScopeRepository
  commands: CommandsService
  runs: RunsService
  runRows: RunsRepository
  events: CommandEvents
  fleet: FleetFeed
  log: Logger
}

type About = { commandId: string; runId?: undefined } | { commandId?: undefined; runId: string }
type FleetRequest = LiveRequest & { type: 'watch-fleet' }

interface Following {
  about: About
  follower: CommandFollower | RunFollower
}

/** One viewer: what it follows, and with whose rights. */
export class LiveConnection {
  private readonly followed = new Map<string, Following>()
  private watching: FleetRequest | undefined

  constructor(
    private readonly socket: WebSocket,
    private principal: Principal,
    private readonly sources: LiveSources,
  ) {}

  /** Does what the viewer asks for. */
  take(text: string): void {
    const request = parseRequest(text)
    if (!request) this.sendError({}, 'request.invalid', HOW_TO_ASK)
    else if (!may(this.principal, LIVE_TOPICS[topicOf(request)].access)) this.sendForbidden({})
    else if (request.type === 'watch-fleet') this.watchFleet(request)
    else if (request.type === 'unwatch-fleet') this.unwatchFleet()
    else this.takeUp(request)
  }

  private takeUp(request: Exclude<LiveRequest, { type: 'watch-fleet' | 'unwatch-fleet' }>): void {
    const about: About = 'runId' in request ? { runId: request.runId } : { commandId: request.commandId }
    this.unfollow(about)
    if (request.type === 'follow' || request.type === 'follow-run') this.follow(request, about)
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
    if (this.watching && !may(principal, LIVE_TOPICS['watch-fleet'].access)) {
      this.unwatchFleet()
      this.sendForbidden({})
    } else if (this.watching && JSON.stringify(before.scope) !== JSON.stringify(principal.scope))
      this.watchFleet({ ...this.watching, since: undefined })
    const mayRead = may(principal, LIVE_TOPICS.follow.access)
    const asked = [...this.followed]
    const seen = mayRead ? await this.visible(principal) : new Set<string>()
    for (const [key, following] of asked) {
      // What was followed anew meanwhile was asked for itself.
      if (seen.has(key) || this.followed.get(key) !== following) continue
      this.unfollow(following.about)
      if (mayRead) this.reportFailure(following.about, missing(following.about))
      else this.sendForbidden(following.about)
    }
  }

  close(): void {
    for (const { about } of this.followed.values()) this.unfollow(about)
    this.unwatchFleet()
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

  private follow(request: LiveRequest & { type: 'follow' | 'follow-run' }, about: About): void {
    const { commands, runs, runRows, events } = this.sources
    const isRun = request.type === 'follow-run'
    const most = isRun ? MAX_RUNS_PER_SOCKET : MAX_FOLLOWED_PER_SOCKET
    if (this.countOf(isRun) >= most) {
      const message = `One connection follows at most ${most} ${isRun ? 'runs' : 'commands'}.`
      this.sendError(about, 'server.overloaded', message)
      return
    }
    const follower = isRun
      ? new RunFollower(request.runId, this.principal.scope, this.socket, runs, runRows, events)
      : new CommandFollower(request.commandId, request, this.socket, commands, events)
    const key = keyOf(about)
    this.followed.set(key, { about, follower })
    this.refuseOutside(about)
      .then(() => follower.run())
      .catch((error) => this.reportFailure(about, error))
      .finally(() => {
        if (this.followed.get(key)?.follower === follower) this.followed.delete(key)
      })
  }

  private countOf(isRun: boolean): number {
    return [...this.followed.values()].filter(({ about }) => (about.runId !== undefined) === isRun).length
  }

  /** What lies outside of somebody's scope does not exist for them. */
  private async refuseOutside(about: About): Promise<void> {
    const { scope } = this.principal
    const kind = about.runId === undefined ? 'command' : 'run'
    if (!(await this.sources.scopes.exists(kind, scope, keyOf(about)))) throw missing(about)
  }

  /** Of all that is followed, what exists for somebody. */
  private async visible({ scope }: Principal): Promise<Set<string>> {
    const ids = (isRun: boolean) =>
      [...this.followed.values()]
        .filter(({ about }) => (about.runId !== undefined) === isRun)
        .map(({ about }) => keyOf(about))
    const { scopes } = this.sources
    const [commands, runs] = await Promise.all([
      scopes.existing('command', scope, ids(false)),
      scopes.existing('run', scope, ids(true)),
    ])
    return new Set([...commands, ...runs])
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

const keyOf = ({ commandId, runId }: About): string => runId ?? commandId ?? ''

const missing = ({ commandId, runId }: About) =>
  runId === undefined ? notFound('command', commandId) : notFound('run', runId)

function parseRequest(text: string): LiveRequest | undefined {
  try {
    return liveRequest.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}
