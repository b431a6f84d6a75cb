/** sysexits(3) EX_CONFIG: the unit must not restart on it, since only a person can mend it. */
export const EXIT_CONFIG = 78

/** A reason why a process cannot start at all, in words for the person who reads the journal. */
export class StartError extends Error {
  readonly exitCode: number
  constructor(message: string, exitCode: number = EXIT_CONFIG) {
    super(message)
    this.name = 'StartError'
    this.exitCode = exitCode
  }
}
