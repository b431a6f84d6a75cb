import { Clock } from '../clock/clock.ts'

/** Time that passes when a spec says so. */
export class ManualClock extends Clock {
  private moment: number

  constructor(start: string) {
    super()
    this.moment = Date.parse(start)
  }

  override now() {
    return new Date(this.moment)
  }

  override async sleep(ms: number) {
    this.pass(ms)
  }

  pass(ms: number): void {
    this.moment += ms
  }

  set(moment: string | Date): void {
    this.moment = new Date(moment).getTime()
  }
}
