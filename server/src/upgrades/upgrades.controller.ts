import { Controller } from '@nestjs/common'
import { Actor, type Principal } from '../access/index.ts'
import { Endpoint, Input, type InputOf } from '../platform/http/endpoint.ts'
import { UpgradesService } from './upgrades.service.ts'

@Controller()
export class UpgradesController {
  constructor(private readonly upgrades: UpgradesService) {}

  @Endpoint('planUpgrade')
  plan(@Input() { body }: InputOf<'planUpgrade'>, @Actor() actor: Principal) {
    return this.upgrades.plan(body, actor)
  }

  @Endpoint('startUpgrade')
  start(@Input() { body }: InputOf<'startUpgrade'>, @Actor() actor: Principal) {
    return this.upgrades.start(body, actor)
  }

  @Endpoint('listUpgrades')
  async list() {
    return { upgrades: await this.upgrades.list() }
  }

  @Endpoint('showUpgrade')
  show(@Input() { params }: InputOf<'showUpgrade'>) {
    return this.upgrades.show(params.id)
  }

  @Endpoint('pauseUpgrade')
  async pause(@Input() { params }: InputOf<'pauseUpgrade'>) {
    return { upgrade: await this.upgrades.pause(params.id) }
  }

  @Endpoint('resumeUpgrade')
  async resume(@Input() { params }: InputOf<'resumeUpgrade'>) {
    return { upgrade: await this.upgrades.resume(params.id) }
  }

  @Endpoint('cancelUpgrade')
  async cancel(@Input() { params }: InputOf<'cancelUpgrade'>) {
    return { upgrade: await this.upgrades.cancel(params.id) }
  }

  @Endpoint('listReleases')
  async releases() {
    return { releases: await this.upgrades.releases() }
  }

  @Endpoint('addRelease')
  addRelease(@Input() { body }: InputOf<'addRelease'>) {
    return this.upgrades.addRelease(body.sha256, body.signature ?? null)
  }

  @Endpoint('listReleaseKeys')
  releaseKeys() {
    return this.upgrades.releaseKeys()
  }

  @Endpoint('renewReleaseKey')
  renewReleaseKey() {
    return this.upgrades.renewReleaseKey()
  }
}
