import type { Host } from '../bed/index.ts'
import { PASSWORD } from './fleet.ts'

/** An account of the odd host: every one accepts the bed's key and has `PASSWORD`. */
interface OddUser {
  /** Rules of sudoers, `%u` for the name; none by default. */
  sudoers?: string
  shell?: string
  /** A file of the home by its name. */
  files?: Record<string, string>
  /** Lines of sshd_config for this user alone. */
  sshd?: readonly string[]
  /** Before the key in authorized_keys. */
  keyOptions?: string
  /** Runs as root when all else is there; `%u` for the name. */
  finally?: string
}

const NO_PASSWORD = '%u ALL=(ALL:ALL) NOPASSWD: ALL'
const BY_PASSWORD = '%u ALL=(ALL:ALL) ALL'
const CHATTER = 'head -c 300000 /dev/zero | tr "\\0" x; echo'

export const ODD_USERS = {
  // Login files
  noisy: {
    sudoers: NO_PASSWORD,
    files: {
      '.bashrc':
        'echo "Welcome to web-1"\necho "please behave" >&2\nread -t 0.1 answer\ntrap "echo goodbye" EXIT\nfalse\n',
    },
  },
  chatty: { sudoers: NO_PASSWORD, files: { '.bashrc': `${CHATTER}\n${CHATTER} >&2\n` } },
  lingering: { files: { '.bashrc': 'sleep 60 &\n' } },
  flooding: { files: { '.bashrc': 'yes Welcome\n' } },
  tmux: { files: { '.bashrc': 'exec sleep infinity\n' } },
  leaver: { files: { '.bashrc': 'echo "open terminal failed: not a terminal" >&2\nexit 1\n' } },
  // Sessions and banners
  oneseat: { sudoers: NO_PASSWORD, sshd: ['MaxSessions 1'] },
  twoseats: { sudoers: NO_PASSWORD, sshd: ['MaxSessions 2'] },
  threeseats: { sudoers: BY_PASSWORD, sshd: ['MaxSessions 3'] },
  fourseats: { sudoers: BY_PASSWORD, sshd: ['MaxSessions 4'] },
  noseat: { sudoers: NO_PASSWORD, sshd: ['MaxSessions 0'] },
  bannered: { sudoers: NO_PASSWORD, sshd: ['Banner /etc/long-banner'] },
  // Ways to sign in
  both: { sudoers: BY_PASSWORD, sshd: ['AuthenticationMethods publickey,password'] },
  bothasked: {
    sudoers: BY_PASSWORD,
    sshd: ['AuthenticationMethods publickey,keyboard-interactive', 'KbdInteractiveAuthentication yes'],
  },
  asked: {
    sudoers: BY_PASSWORD,
    sshd: ['AuthenticationMethods password,keyboard-interactive', 'KbdInteractiveAuthentication yes'],
  },
  certified: {
    sudoers: NO_PASSWORD,
    sshd: ['TrustedUserCAKeys /etc/ssh/user-ca.pub', 'AuthorizedKeysFile none', 'PasswordAuthentication no'],
  },
  // What runs instead
  forced: { keyOptions: 'command="echo Only backups here; exit 3" ' },
  sftponly: { sshd: ['ForceCommand internal-sftp'] },
  nologin: { shell: '/usr/sbin/nologin' },
  expired: { finally: 'chage --lastday 0 %u' },
  ended: { finally: 'chage --expiredate 2020-01-01 %u' },
  locked: { finally: 'usermod --lock %u' },
  // Login shells
  fishy: {
    sudoers: BY_PASSWORD,
    shell: '/usr/bin/fish',
    files: { '.config/fish/config.fish': 'echo "hello from fish"\n' },
  },
  csher: {
    sudoers: `Defaults:%u requiretty\n${BY_PASSWORD}`,
    shell: '/usr/bin/tcsh',
    files: { '.cshrc': 'echo "hello from csh"\n' },
  },
  // Kinds of sudo
  ttyonly: { sudoers: `Defaults:%u requiretty\n${NO_PASSWORD}` },
  ttypass: { sudoers: `Defaults:%u requiretty\n${BY_PASSWORD}` },
  lectured: { sudoers: `Defaults:%u lecture=always\n${BY_PASSWORD}` },
  german: {
    sudoers: `Defaults:%u passprompt_override, passprompt="Geheimwort bitte: "\n${BY_PASSWORD}`,
    files: { '.bashrc': 'export LANG=de_DE.UTF-8 LC_MESSAGES=de_DE.UTF-8\n' },
  },
  localised: { sudoers: BY_PASSWORD, files: { '.bashrc': 'export LC_ALL=de_DE.UTF-8 LANGUAGE=de\n' } },
  rust: {
    files: { '.bashrc': 'export PATH=$HOME/bin:$PATH\n' },
    finally:
      'install -d ~%u/bin && ln -s /usr/bin/sudo-rs ~%u/bin/sudo && echo "%u ALL=(ALL:ALL) ALL" >>/etc/sudoers-rs',
  },
  rustfree: {
    files: { '.bashrc': 'export PATH=$HOME/bin:$PATH\n' },
    finally:
      'install -d ~%u/bin && ln -s /usr/bin/sudo-rs ~%u/bin/sudo && echo "%u ALL=(ALL:ALL) NOPASSWD: ALL" >>/etc/sudoers-rs',
  },
  ruststranger: {
    files: { '.bashrc': 'export PATH=$HOME/bin:$PATH\n' },
    finally: 'install -d ~%u/bin && ln -s /usr/bin/sudo-rs ~%u/bin/sudo',
  },
  wrongword: { sudoers: BY_PASSWORD },
  rootword: { sudoers: `Defaults:%u rootpw\n${BY_PASSWORD}` },
  narrow: { sudoers: '%u ALL=(ALL:ALL) /usr/bin/apt' },
  narrowfree: { sudoers: '%u ALL=(ALL:ALL) NOPASSWD: /usr/bin/apt' },
  stranger: {},
  // Homes
  homeless: {
    sudoers: NO_PASSWORD,
    finally: 'install -m 600 -o %u ~%u/.ssh/authorized_keys /etc/ssh/homeless-keys && rm -r ~%u',
    sshd: ['AuthorizedKeysFile /etc/ssh/homeless-keys'],
  },
  squashed: { sudoers: BY_PASSWORD },
  frozen: { sudoers: NO_PASSWORD, finally: 'mount --bind ~%u ~%u && mount -o remount,bind,ro ~%u' },
} as const satisfies Record<string, OddUser>

export type OddName = keyof typeof ODD_USERS

/** Makes all of them on a host that runs, with what they need, and lets sshd know. */
export async function makeOddUsers(host: Host, publicKey: string, caKey: string): Promise<void> {
  const users = Object.entries<OddUser>(ODD_USERS)
  const lines = users.flatMap(([name, user]) => makeUser(name, user, publicKey))
  const matches = users.flatMap(([name, { sshd = [] }]) =>
    sshd.length > 0 ? [`Match User ${name}`, ...sshd.map((line) => `  ${line}`)] : [],
  )
  const script = [
    'set -e',
    'localedef -i de_DE -f UTF-8 de_DE.UTF-8',
    'head -c 200000 /dev/zero | tr "\\0" "=" >/etc/long-banner',
    'head -c 300000 /dev/zero | tr "\\0" "*" >/etc/motd',
    'echo "root ALL=(ALL:ALL) ALL" >/etc/sudoers-rs; chmod 440 /etc/sudoers-rs',
    'install -d -m 000 /var/lib/inst',
    // Root, and root alone, sees another folder in the place of this home.
    'echo "/home/squashed /var/lib/inst/squashed- user ~root" >>/etc/security/namespace.conf',
    'echo "session required pam_namespace.so unmnt_remnt" >>/etc/pam.d/sudo',
    ...write('/etc/ssh/user-ca.pub', caKey),
    ...lines,
    // Many of them are refused in a short time, which sshd would punish by turning this machine away.
    ...write('/etc/ssh/sshd_config.d/50-odd.conf', `PerSourcePenalties no\n${matches.join('\n')}\n`),
    // What a first login and a first sudo make by themselves is there from the start.
    'su fishy -c true; su noisy -c "sudo -n true"',
    'systemctl restart ssh.service',
  ]
  await host.output(['sh', '-s'], { input: script.join('\n'), timeoutMs: 300_000 })
  await host.waitForSsh()
}

function makeUser(name: string, user: OddUser, publicKey: string): string[] {
  const of = (text: string) => text.replaceAll('%u', name)
  const home = `/home/${name}`
  return [
    `useradd --create-home --shell ${user.shell ?? '/bin/bash'} ${name}`,
    `echo ${quoteWord(`${name}:${PASSWORD}`)} | chpasswd`,
    `install -d -m 700 ${home}/.ssh`,
    ...write(`${home}/.ssh/authorized_keys`, `${user.keyOptions ?? ''}${publicKey}\n`),
    ...Object.entries(user.files ?? {}).flatMap(([file, text]) => [
      `install -d ${home}/${file.includes('/') ? file.slice(0, file.lastIndexOf('/')) : '.'}`,
      ...write(`${home}/${file}`, text),
    ]),
    `chown -R ${name}: ${home}`,
    ...(user.sudoers ? write(`/etc/sudoers.d/90-${name}`, `${of(user.sudoers)}\n`) : []),
    ...(user.finally ? [of(user.finally)] : []),
  ]
}

const write = (path: string, text: string) => [`printf %s ${quoteWord(text)} >${path}`]

const quoteWord = (text: string) => `'${text.replaceAll("'", "'\\''")}'`
