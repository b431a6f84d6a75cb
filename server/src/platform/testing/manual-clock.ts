import { Clock } from '../clock/clock.ts'

/** A clock that a spec advances. */
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
    this.advance(ms)
  }

  advance(ms: number): void {
    this.moment += ms
  }

  set(moment: string | Date): void {
    this.moment = new Date(moment).getTime()
  }
}
