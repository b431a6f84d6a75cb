import { readFile } from 'node:fs/promises'
import { PLAYBOOKS_FOLDER, readFiles } from './host-tools.ts'
import { createTar } from './tar-archive.ts'

const FOLDER = `${PLAYBOOKS_FOLDER}/host`
const IS_PART = /^(__main__\.py|rollcall_host\/.+\.(py|json))$/

/**
 * Returns by which argv and standard input a host runs a verb of the package `rollcall_host` that it need not have: the package comes
 * first on standard input, and `input` is what the verb reads. No file of it stays on the host.
 */
export async function hostProgram(
  [verb, ...words]: readonly [verb: string, ...words: string[]],
  input: Buffer = Buffer.alloc(0),
): Promise<{ argv: string[]; stdin: Buffer }> {
  const bootstrap = await readFile(`${FOLDER}/bootstrap.py`, 'utf8')
  const archive = createTar((await readFiles(FOLDER)).filter(({ path }) => IS_PART.test(path)))
  return {
    argv: ['python3', '-I', '-c', bootstrap, String(archive.length), verb, ...words],
    stdin: Buffer.concat([archive, input]),
  }
}
