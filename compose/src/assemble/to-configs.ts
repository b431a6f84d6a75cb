import type { Reader } from '../read/reader.ts'
import type { ServiceFile } from '../spec.ts'
import { type Draft, type FileValues, toMounts } from './drafts.ts'

const MAX_NAME_LENGTH = 128

/** Returns the name under which a file beside the Compose file is sent: `conf/nginx.conf` is `conf-nginx.conf`. */
export const toConfigName = (path: string): string =>
  `file-${path.replace(/[^A-Za-z0-9_-]+(?=\.)|[^A-Za-z0-9_.-]+/g, '-').replace(/\.{2,}/g, '.')}`.slice(
    0,
    MAX_NAME_LENGTH,
  )

/** Returns the configs of the file, and a config for each file that is mounted. Two files with one name are reported. */
export function toConfigs(
  file: FileValues,
  drafts: readonly Draft[],
  reader: Reader,
): ServiceFile['configs'] {
  const configs = new Map((file.configs ?? []).map(({ name, value }) => [name, value.value]))
  for (const draft of drafts)
    for (const { place, value } of toMounts(draft)) {
      if (value.type !== 'file') continue
      const name = toConfigName(value.source)
      const known = configs.get(name)
      if (known !== undefined && known !== value.content)
        reader
          .at('services')
          .at(draft.name)
          .at('volumes')
          .fault(
            place,
            `is sent under the name ${name}, which another file has too`,
            'rename one of them, or write it under configs',
          )
      configs.set(name, value.content)
    }
  return [...configs].map(([name, content]) => ({ name, content }))
}
