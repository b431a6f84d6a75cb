import { Injectable, type OnModuleInit } from '@nestjs/common'
import type { WebSocket } from 'ws'
import { AccessService, type Principal } from '../access/index.ts'
import { Reconciler } from '../platform/background/reconciler.ts'
import { Notifications } from '../platform/prisma/notifications.ts'
import { ServicesRepository } from '../services/index.ts'
import { toServicesEvents } from './domain/services-events.ts'
import { ServicesCache } from './services-cache.ts'

/** The channel on which the database names services and instances that have changed; `*` for many. */
const CHANNEL = 'rollcall_services'
/** The least time between two messages to a viewer: what changes meanwhile is told together. */
const MIN_INTERVAL_MS = 250
/** A viewer with this much unsent is sent nothing, and all of it anew once it has caught up. */
const MAX_UNSENT_BYTES = 4 * 1024 * 1024

type Viewer = Pick<Principal, 'scope' | 'scopeText'>

/** Viewers who are told the same. */
interface Audience {
  cache: ServicesCache
  serviceId: string | undefined
  /** Viewers by socket. Those who are new, or missed something, are sent everything next. */
  viewers: Map<WebSocket, { isBehind: boolean }>
}

/**
 * Publishes services to those who watch them: everything once, and then what has changed. Reads the database only while there are
 * viewers, when it says that something changed; one read serves all who have the same scope.
 */
@Injectable()
export class ServicesFeed extends Reconciler implements OnModuleInit {
  override readonly name = 'services-feed'
  override readonly intervalMs = 1000
  override readonly minPauseMs = MIN_INTERVAL_MS
  private readonly audiences = new Map<string, Audience>()
  private unlisten: (() => void) | undefined

  constructor(
    private readonly services: ServicesRepository,
    private readonly notifications: Notifications,
    private readonly access: AccessService,
  ) {
    super()
  }

  onModuleInit() {
    // With the labels of a host its instances enter or leave a scope.
    this.access.onRightsChanged(() => {
      for (const { cache } of this.audiences.values()) if (cache.isLimited) cache.invalidateAll()
      this.wake()
    })
  }

  /** Sends a viewer all services, or one of them, until it is sent others or leaves. */
  watch(socket: WebSocket, { scope, scopeText }: Viewer, serviceId: string | undefined): void {
    this.unwatch(socket)
    const key = JSON.stringify([scopeText, serviceId])
    const audience = this.audiences.get(key) ?? {
      cache: new ServicesCache(this.services, scope, scopeText, serviceId),
      serviceId,
      viewers: new Map(),
    }
    audience.viewers.set(socket, { isBehind: true })
    this.audiences.set(key, audience)
    this.unlisten ??= this.notifications.listen(CHANNEL, {
      onNotice: (payload) => this.invalidate((cache) => cache.invalidate(payload)),
      onGap: () => this.invalidate((cache) => cache.invalidateAll()),
    })
    this.wake()
  }

  unwatch(socket: WebSocket): void {
    for (const { viewers } of this.audiences.values()) viewers.delete(socket)
  }

  close(): void {
    this.audiences.clear()
    this.unlisten?.()
    this.unlisten = undefined
  }

  override async reconcile(now: Date): Promise<void> {
    for (const [key, audience] of this.audiences)
      if (audience.viewers.size === 0) this.audiences.delete(key)
      else await this.publish(audience, now.getTime())
    if (this.audiences.size === 0) this.close()
  }

  private invalidate(tell: (cache: ServicesCache) => void): void {
    for (const { cache } of this.audiences.values()) tell(cache)
    this.wake()
  }

  private async publish({ cache, serviceId, viewers }: Audience, nowMs: number): Promise<void> {
    const difference = await cache.read(nowMs)
    const news = toServicesEvents(serviceId, difference, false)
    let whole: string[] | undefined
    for (const [socket, viewer] of viewers) {
      if (socket.readyState !== socket.OPEN) continue
      if (socket.bufferedAmount > MAX_UNSENT_BYTES) {
        viewer.isBehind = true
        continue
      }
      if (viewer.isBehind) whole ??= toServicesEvents(serviceId, cache.snapshot(), true)
      for (const text of (viewer.isBehind ? whole : news) ?? []) socket.send(text)
      viewer.isBehind = false
    }
  }
}
