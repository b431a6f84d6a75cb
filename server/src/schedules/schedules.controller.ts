import { Controller } from '@nestjs/common'
import { Actor, type Principal } from '../access/index.ts'
import { Endpoint, Input, type InputOf } from '../platform/http/endpoint.ts'
import { SchedulesService } from './schedules.service.ts'

@Controller()
export class SchedulesController {
  constructor(private readonly schedules: SchedulesService) {}

  @Endpoint('listSchedules')
  async list(@Actor() { scope }: Principal) {
    return { schedules: await this.schedules.list(scope) }
  }

  @Endpoint('addSchedule')
  async add(@Input() { body }: InputOf<'addSchedule'>, @Actor() actor: Principal) {
    return { schedule: await this.schedules.add(body, actor) }
  }

  @Endpoint('showSchedule')
  async show(@Input() { params }: InputOf<'showSchedule'>, @Actor() { scope }: Principal) {
    return { schedule: await this.schedules.show(params.name, scope) }
  }

  @Endpoint('changeSchedule')
  async change(@Input() { params, body }: InputOf<'changeSchedule'>, @Actor() actor: Principal) {
    return { schedule: await this.schedules.change(params.name, body, actor) }
  }

  @Endpoint('removeSchedule')
  async remove(@Input() { params }: InputOf<'removeSchedule'>) {
    await this.schedules.remove(params.name)
    return {}
  }
}
