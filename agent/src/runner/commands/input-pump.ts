import { readSync } from 'node:fs'
import { closing, isDiskFault, openIfThere, readIfThere } from '../../platform/files.ts'
import type { CommandPaths } from '../../spool/spool-paths.ts'
import type { Program } from './program.ts'

const CHUNK = 64 * 1024

/** Copies `input` from the spool to the program, as fast as the program reads it, with one chunk in memory. */
export class InputPump {
  #position = 0
  #isBusy = false
  #isEnded = false

  /** `onFault` is called if the input cannot be read, which ends it for the program. */
  constructor(
    private readonly paths: CommandPaths,
    private readonly program: Program,
    private readonly onFault: (error: unknown) => void,
  ) {}

  /** Continues copying; called whenever there may be more input. */
  pump(): void {
    if (this.#isBusy || this.#isEnded) return
    try {
      this.#copy()
    } catch (error) {
      if (!isDiskFault(error)) throw error
      this.onFault(error)
      this.#isEnded = true
      this.program.endInput()
    }
  }

  #copy(): void {
    // The mark is checked first: once it exists, no byte follows those that are read now.
    const isLast = readIfThere(this.paths.inputEnd) !== null
    const data = this.#read()
    if (data.length > 0) {
      this.#isBusy = true
      this.#position += data.length
      this.program.write(data, () => {
        this.#isBusy = false
        this.pump()
      })
    } else if (isLast) {
      this.#isEnded = true
      this.program.endInput()
    }
  }

  #read(): Buffer {
    const buffer = Buffer.allocUnsafe(CHUNK)
    const fd = openIfThere(this.paths.input)
    if (fd === null) return buffer.subarray(0, 0)
    using _fd = closing(fd)
    return buffer.subarray(0, readSync(fd, buffer, 0, CHUNK, this.#position))
  }
}
