import { randomUUID } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import {
  type NewUpgrade,
  type ReleaseKeysView,
  type ReleaseView,
  type UpgradeDetail,
  type UpgradePlanView,
  type UpgradeView,
  upgradeHostState,
} from '@rollcall/contracts/admin'
import { type Principal } from '../access/index.ts'
import { Artifacts, ReleaseKeys, readRelease } from '../artifacts/index.ts'
import { BlobStore, contentGone, readFrames } from '../blobs/index.ts'
import { Clock } from '../platform/clock/clock.ts'
import { RunsService } from '../runs/index.ts'
import { ringsOf } from './domain/rings.ts'
import type { Upgrade, UpgradeHost } from './domain/upgrade.ts'
import { UpgradeReconciler } from './upgrade.reconciler.ts'
import { UpgradesRepository } from './upgrades.repository.ts'

type Actor = Pick<Principal, 'name' | 'scope'>

/** The reason of a host whose agent the upgrade does not change. */
const ALREADY = 'This release ran there already; it is put in place again.'

/** Upgrades as they are asked for and shown. The reconciler advances them. */
@Injectable()
export class UpgradesService {
  constructor(
    private readonly upgrades: UpgradesRepository,
    private readonly runs: RunsService,
    private readonly artifacts: Artifacts,
    private readonly keys: ReleaseKeys,
    private readonly blobs: BlobStore,
    private readonly clock: Clock,
    private readonly reconciler: UpgradeReconciler,
  ) {}

  async plan(request: NewUpgrade, actor: Actor): Promise<UpgradePlanView> {
    const { version, hosts, skipped } = await this.prepare(request, actor)
    const rings = Map.groupBy(hosts, ({ ring }) => ring)
    return {
      version,
      rings: [...rings].map(([ring, members]) => ({ ring, hosts: members.map(({ hostName }) => hostName) })),
      current: hosts.filter(({ reason }) => reason === ALREADY).map(({ hostName }) => hostName),
      skipped,
    }
  }

  /** Stores an upgrade: from here on it goes on until it has ended. Throws `release.not_found`, and what choosing hosts throws. */
  async start(request: NewUpgrade, actor: Actor) {
    const { version, hosts, skipped } = await this.prepare(request, actor)
    const upgrade: Upgrade = {
      id: randomUUID(),
      version,
      rings: request.rings,
      state: 'running',
      reason: null,
      requestedBy: actor.name,
      createdAt: this.clock.now(),
      endedAt: null,
    }
    await this.upgrades.insert(upgrade, hosts)
    this.reconciler.wake()
    return { upgrade: await this.view(upgrade), skipped }
  }

  async list(): Promise<UpgradeView[]> {
    const upgrades = await this.upgrades.list()
    return this.views(upgrades)
  }

  async show(id: string): Promise<UpgradeDetail> {
    const upgrade = await this.find(id)
    const hosts = await this.upgrades.hostsOf(id)
    return {
      upgrade: await this.view(upgrade),
      hosts: hosts.map(({ hostId, hostName, position: _, endedAt, ...host }) => ({
        ...host,
        host: { id: hostId, name: hostName },
        endedAt: endedAt?.toISOString() ?? null,
      })),
    }
  }

  pause = (id: string) => this.change(id, ['running', 'paused'], 'paused')
  resume = (id: string) => this.change(id, ['paused', 'running'], 'running')
  cancel = (id: string) => this.change(id, ['running', 'paused', 'cancelling'], 'cancelling')

  async releases(): Promise<ReleaseView[]> {
    const releases = await this.artifacts.releases()
    return releases.map((release) => {
      const { version, architecture, sha256, isOwn } = release
      return { version, architecture, sha256, isOwn, signedBy: this.signerOf(release) }
    })
  }

  private signerOf(release: Parameters<ReleaseKeys['check']>[0]): ReleaseView['signedBy'] {
    if (!this.keys.isOperatorSigned) return 'servers'
    try {
      this.keys.check(release)
      return 'operator'
    } catch (error) {
      if (error instanceof RollcallError) return 'nobody'
      throw error
    }
  }

  async releaseKeys(): Promise<ReleaseKeysView> {
    const { operator, servers } = await this.keys.list()
    return {
      operator,
      servers: servers.map(({ key, createdAt }) => ({ key, createdAt: createdAt.toISOString() })),
    }
  }

  async renewReleaseKey(): Promise<ReleaseKeysView> {
    await this.keys.renew(this.clock.now())
    return this.releaseKeys()
  }

  /**
   * Takes a release out of content that was handed over. Throws `release.refused`, `release.unsigned`, `release.exists` and
   * `file.content_gone`.
   */
  async addRelease(
    sha256: string,
    signature: string | null,
  ): Promise<{ isNew: boolean; releases: ReleaseView[] }> {
    const blob = await this.blobs.find(sha256)
    if (blob === null) throw contentGone(sha256, 'sha256')
    try {
      const release = await readRelease(readFrames(blob))
      this.keys.check({ ...release, sha256, signature })
      const isNew = await this.artifacts.addRelease(release, sha256, readFrames(blob), signature)
      return { isNew, releases: (await this.releases()).filter((one) => one.sha256 === sha256) }
    } finally {
      await blob.close()
    }
  }

  private async prepare(request: NewUpgrade, { scope }: Actor) {
    const version = request.version ?? (await this.artifacts.agentArchive(ownArchitecture())).version
    const releases = await this.artifacts.releases()
    if (!releases.some((release) => release.version === version))
      throw new RollcallError(
        'release.not_found',
        `There is no release ${version} of the agent. List them: rollcall release list`,
        { fields: [{ field: 'version', message: `"${version}" is unknown` }] },
      )
    const { chosen, skipped } = await this.runs.choose(request, scope)
    const rings = ringsOf(chosen.length, request.rings)
    const current = await this.upgrades.running(
      version,
      chosen.map(({ id }) => id),
    )
    const hosts = chosen.map(
      (host, position): UpgradeHost => ({
        hostId: host.id,
        hostName: host.name,
        position,
        ring: rings[position] ?? 0,
        state: 'waiting',
        reason: current.has(host.id) ? ALREADY : null,
        commandId: null,
        endedAt: null,
      }),
    )
    return { version, hosts, skipped }
  }

  private async change(id: string, from: string[], to: Upgrade['state']): Promise<UpgradeView> {
    const before = await this.find(id)
    if (!(await this.upgrades.change(id, from, to)))
      throw new RollcallError(
        'upgrade.ended',
        `The upgrade is ${before.state}: there is nothing to pause, resume or cancel. Begin another one.`,
      )
    return this.view(await this.find(id))
  }

  private async find(id: string): Promise<Upgrade> {
    const upgrade = await this.upgrades.find(id)
    if (upgrade) return upgrade
    throw new RollcallError(
      'upgrade.not_found',
      `There is no upgrade ${id}. List them: rollcall upgrade list`,
    )
  }

  private async view(upgrade: Upgrade): Promise<UpgradeView> {
    const [view] = await this.views([upgrade])
    if (!view) throw new RollcallError('server.defect', 'an upgrade has no view')
    return view
  }

  private async views(upgrades: readonly Upgrade[]): Promise<UpgradeView[]> {
    const counts = await this.upgrades.counts(upgrades.map(({ id }) => id))
    return upgrades.map(({ state, createdAt, endedAt, ...upgrade }) => {
      const own = counts.filter((count) => count.id === upgrade.id)
      const countOf = (name: string) => own.find((count) => count.state === name)?.count ?? 0
      return {
        ...upgrade,
        // The caller sees it as cancelled; hosts under way still end.
        state: state === 'cancelling' ? 'cancelled' : state,
        createdAt: createdAt.toISOString(),
        endedAt: endedAt?.toISOString() ?? null,
        total: own.reduce((sum, { count }) => sum + count, 0),
        counts: Object.fromEntries(
          upgradeHostState.options.map((name) => [name, countOf(name)]),
        ) as UpgradeView['counts'],
      }
    })
  }
}

const ownArchitecture = () => (process.arch === 'arm64' ? 'arm64' : 'x64')
