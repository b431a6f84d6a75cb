const PROGRAMS: readonly (readonly [letters: string, programs: string])[] = [
  ['p', 'mysql mysqldump mysqladmin mysqlimport mysqlcheck mariadb mariadb-dump mariadb-admin sshpass login'],
  ['p', 'mongo mongosh mongodump mongorestore useradd usermod 7z 7za 7zz unrar rabbitmqadmin influx cqlsh'],
  ['P', 'zip unzip ipmitool sqlcmd isql bcp mosquitto_pub mosquitto_sub'],
  ['a', 'redis-cli valkey-cli'],
  ['wsa', 'ldapsearch ldapadd ldapmodify ldapdelete ldappasswd'],
  ['uUb', 'curl'],
  ['U', 'smbclient rpcclient net wbinfo'],
  ['u', 'lftp'],
  ['cAX', 'snmpwalk snmpget snmpset snmpbulkwalk'],
  ['NP', 'ssh-keygen'],
  ['k', 'openssl'],
]

/** The short options with which programs take a secret, in the same word or the next. */
export const SHORT_OPTIONS: ReadonlyMap<string, string> = new Map(
  PROGRAMS.flatMap(([letters, programs]) =>
    programs.split(' ').map((program): [string, string] => [program, letters]),
  ),
)

/** Programs whose last word is a secret. */
export const SECRET_LAST_WORD: ReadonlySet<string> = new Set(['htpasswd', 'wpa_passphrase', 'requirepass'])

/**
 * Returns whether a word looks like a random key of letters and digits, and not like a path, a word or a hexadecimal
 * digest.
 */
export function looksRandom(word: string): boolean {
  if (word.length < 20 || /^[~./]/.test(word)) return false
  const letters = word.replace(/[^A-Za-z0-9]/g, '')
  if (!/[a-z]/.test(letters) || !/[A-Z]/.test(letters)) return false
  const kinds = [...letters].map((each) => (/\d/.test(each) ? 'digit' : each < 'a' ? 'upper' : 'lower'))
  const switches = kinds.filter((kind, at) => at > 0 && kind !== kinds[at - 1]).length
  const digitRuns = kinds.filter((kind, at) => kind === 'digit' && kinds[at - 1] !== 'digit').length
  return digitRuns >= 2 && switches / letters.length >= 0.35
}
