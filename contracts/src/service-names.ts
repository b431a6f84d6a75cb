const UUID = '[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}'
const PROJECT = '[a-z0-9][a-z0-9_-]{0,62}'
const SERVICE = '(?!.*\\.\\.)[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?'

/** Comes before a name in a pattern: names of the form of a UUID could be taken for ids. */
export const NO_UUID = `(?!${UUID}$)`

/** Names that become parts of paths, units and volumes: no slash, no percent sign, no two dots in a row. */
export const SERVICE_NAME = {
  pattern: new RegExp(`^${NO_UUID}${SERVICE}$`),
  form: 'at most 63 letters, digits, dots, dashes and underscores, the first and the last a letter or a digit, and no UUID',
}
export const PROJECT_NAME = {
  pattern: new RegExp(`^${NO_UUID}${PROJECT}$`),
  form: 'at most 63 lower-case letters, digits, dashes and underscores, a letter or a digit first, and no UUID',
}

/** The id of a service, or `PROJECT/NAME`. */
export const SERVICE_REFERENCE = new RegExp(
  `^(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?!${UUID}/)${PROJECT}/${NO_UUID}${SERVICE})$`,
)
