import { readFile } from 'node:fs/promises'
import { PLAYBOOKS_FOLDER } from '../platform/archives/host-tools.ts'

/** Reads a program that runs on hosts, from `playbooks/host`. */
export const readHostScript = (name: 'preflight.sh' | 'remove.sh'): Promise<Buffer> =>
  readFile(`${PLAYBOOKS_FOLDER}/host/${name}`)
