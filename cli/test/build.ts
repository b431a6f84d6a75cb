import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

/** The tests run the built program, so they build it first: nothing stale is ever tested. */
export async function setup(): Promise<void> {
  await promisify(execFile)(process.execPath, [path('../bundle.mjs')]).catch((error) => {
    throw new Error(`the command line cannot be bundled:\n${error.stderr}`)
  })
}
