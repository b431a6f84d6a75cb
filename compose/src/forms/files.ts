import { MAX_CONFIG_BYTES } from '../limits.ts'
import { list } from '../read/collections.ts'
import { isOff, mapping, otherwise, refused, taken } from '../read/keys.ts'
import { fileMode, flag, text } from '../read/scalars.ts'
import { type At, byKind, converted, placed, type Shape } from '../read/shape.ts'
import { pathFault, VOLUME_NAME } from './patterns.ts'

/** A secret or a config that a container sees as a file. */
export interface FileGrant {
  source: string
  target: string
  /** Owner in the container, by number or name; null for root. */
  uid: string | null
  gid: string | null
  mode: number | null
}

const fileName = text({ form: VOLUME_NAME.form, pattern: VOLUME_NAME.pattern })
const owner = text({
  form: 'a user or group, by name or number',
  pattern: /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}$/,
})

/** Grants of secrets (below /run/secrets) or configs (below /), in both of Compose's forms. */
export function fileGrants(folder: string): Shape<At<FileGrant>[]> {
  const toGrant = (source: string, target = source): FileGrant => ({
    source,
    target: target.startsWith('/') ? target : `${folder}${target}`,
    uid: null,
    gid: null,
    mode: null,
  })
  const checked = (shape: Shape<FileGrant>): Shape<FileGrant> =>
    converted(shape, (grant, { place }, reader) => {
      const wrong = pathFault(grant.target)
      return wrong ? reader.fault(place, `${wrong} in the container`, 'write an absolute path') : grant
    })
  return list(
    placed(
      byKind({
        scalar: checked(converted(fileName, (name) => toGrant(name))),
        map: checked(
          converted(
            mapping(
              {
                source: taken(fileName),
                target: taken(text({ form: 'a path in the container' }), 'the path in the container'),
                uid: taken(owner),
                gid: taken(owner),
                mode: taken(fileMode),
              },
              { of: 'a file of a container', required: ['source'] },
            ),
            ({ source, target, uid = null, gid = null, mode = null }) =>
              source === undefined ? undefined : { ...toGrant(source, target), uid, gid, mode },
          ),
        ),
      }),
    ),
    'a list of names',
  )
}

const NOT_READ = 'the value is not read from here: give it to Rollcall as a secret of this name'

/** A secret of the file. Its value is in Rollcall and never in the file. */
export const secretDeclaration = mapping(
  {
    external: taken(flag, 'its value is in Rollcall'),
    name: refused('name the secret itself so, and give target in the service'),
    file: otherwise(text(), NOT_READ),
    environment: otherwise(text(), NOT_READ),
    driver: refused('give the value to Rollcall as a secret'),
    driver_opts: refused('give the value to Rollcall as a secret'),
    template_driver: refused('give the finished value to Rollcall as a secret'),
    labels: refused('leave them out: labels of secrets have no use here'),
  },
  { of: 'a secret', isOptional: true },
)

const content = text({ form: 'a text', max: MAX_CONFIG_BYTES, isMultiline: true })

/** A config of the file. Returns its content. */
export const configDeclaration: Shape<string> = converted(
  mapping(
    {
      content: taken(content, 'the text itself'),
      file: taken(text({ form: 'a path' }), 'a file beside this one, read when the file is read'),
      environment: taken(text({ form: 'the name of a variable' }), 'a variable where the file is read'),
      external: refused('write content or file', isOff),
      name: refused('name the config itself so, and give target in the service'),
      template_driver: refused('write the finished content'),
      labels: refused('leave them out: labels of configs have no use here'),
    },
    { of: 'a config' },
  ),
  (values, { place }, reader) => {
    const { content: written, file, environment, places } = values
    const given = [places.content, places.file, places.environment].filter((one) => one !== undefined)
    if (given.length !== 1)
      return reader.fault(place, 'needs one of content, file and environment', 'write one of them')
    if (file === undefined && environment === undefined) return written
    const found =
      file === undefined ? reader.sources.lookup(environment ?? '') : reader.sources.readFile(file)
    if (found === undefined)
      return reader.fault(
        place,
        file === undefined ? 'names a variable without a value' : 'names a file that cannot be read',
        file === undefined
          ? 'give the variable, or write content'
          : 'put the file beside this one, or write content',
      )
    if (found.length > MAX_CONFIG_BYTES || found.includes('\0'))
      return reader.fault(
        place,
        'names a file that is no text of at most 512 KiB',
        'put it into the image or a volume',
      )
    return found
  },
)
