import { readFile } from 'node:fs/promises'
import { PLAYBOOKS_FOLDER } from '../platform/archives/host-tools.ts'

/** What runs on a host itself, by file name under `playbooks/host`. */
export const hostScript = (name: 'preflight.sh' | 'remove.sh' | 'bootstrap.py'): Promise<Buffer> =>
  readFile(`${PLAYBOOKS_FOLDER}/host/${name}`)
