/** EX_CONFIG of sysexits(3): the unit does not restart on it, since only a person can fix the cause. */
export const EXIT_CONFIG = 78

/** A process cannot start. The message tells the reader of the journal why. */
export class StartError extends Error {
  readonly exitCode: number
  constructor(message: string, exitCode: number = EXIT_CONFIG) {
    super(message)
    this.name = 'StartError'
    this.exitCode = exitCode
  }
}
