import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { type HeartbeatProfile, impossibleBounds } from '@rollcall/contracts/admin'
import { type HostScope, WHOLE_FLEET } from '../access/index.ts'
import { Clock } from '../platform/clock/clock.ts'
import { ProfilesRepository } from './profiles.repository.ts'
import { RollRepository } from './roll.repository.ts'

/** The profile of every host that no other one fits. */
const DEFAULT_PROFILE = 'default'

/** How often agents are called, and which host has which profile. What changes holds from the next call on. */
@Injectable()
export class ProfilesService {
  constructor(
    private readonly profiles: ProfilesRepository,
    private readonly roll: RollRepository,
    private readonly clock: Clock,
  ) {}

  /** Returns the profiles that hosts of a scope have or may be given. */
  list(scope: HostScope): Promise<HeartbeatProfile[]> {
    return this.profiles.list(scope)
  }

  async add(profile: HeartbeatProfile): Promise<HeartbeatProfile> {
    if (!(await this.profiles.add(profile)))
      throw new RollcallError(
        'heartbeat.profile_taken',
        `There is a heartbeat profile named ${profile.name} already. Choose another name, or change that one: rollcall profile set ${profile.name}`,
        { fields: [{ field: 'name', message: `"${profile.name}" is taken` }] },
      )
    await this.roll.applyProfiles(this.clock.now())
    return profile
  }

  async change(name: string, change: Partial<Omit<HeartbeatProfile, 'name'>>): Promise<HeartbeatProfile> {
    const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined))
    const profile: HeartbeatProfile = { ...(await this.show(name, WHOLE_FLEET)), ...given }
    const fields = impossibleBounds(profile)
    if (profile.name === DEFAULT_PROFILE && profile.labels)
      fields.push({
        field: 'labels',
        message: 'the default profile is for every other host; leave labels null',
      })
    if (fields.length > 0)
      throw new RollcallError(
        'request.invalid',
        `The profile would be impossible: ${fields.map((f) => `${f.field} ${f.message}`).join('; ')}.`,
        { fields },
      )
    await this.profiles.change(profile)
    await this.roll.applyProfiles(this.clock.now())
    return profile
  }

  async remove(name: string): Promise<void> {
    await this.show(name, WHOLE_FLEET)
    if (name === DEFAULT_PROFILE)
      throw new RollcallError(
        'heartbeat.profile_in_use',
        'The default profile cannot be removed: it is for every host that has no other. Change its bounds instead: rollcall profile set default',
      )
    const users = await this.profiles.remove(name)
    if (users.length > 0)
      throw new RollcallError(
        'heartbeat.profile_in_use',
        `The profile ${name} is named by ${users.join(', ')}. Give these another one first: rollcall host set NAME --profile PROFILE`,
      )
    await this.roll.applyProfiles(this.clock.now())
  }

  /** Throws `heartbeat.profile_not_found`, for one outside of somebody's scope too. */
  async show(name: string, scope: HostScope): Promise<HeartbeatProfile> {
    const visible = await this.profiles.list(scope)
    const profile = visible.find((one) => one.name === name)
    if (profile) return profile
    const known = visible.map((one) => one.name).join(', ')
    throw new RollcallError(
      'heartbeat.profile_not_found',
      `There is no heartbeat profile named ${name}. There are: ${known}.`,
      { fields: [{ field: 'heartbeatProfile', message: `"${name}" is not known` }] },
    )
  }
}
