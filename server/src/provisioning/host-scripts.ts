import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

/** The playbooks that ship with the server; the same place from `src` and from `dist`. */
export const PLAYBOOKS_FOLDER = fileURLToPath(new URL('../../../playbooks', import.meta.url))

/** What runs on a host itself, by file name under `playbooks/host`. */
export const hostScript = (name: 'preflight.sh' | 'remove.sh' | 'bootstrap.py'): Promise<Buffer> =>
  readFile(`${PLAYBOOKS_FOLDER}/host/${name}`)
