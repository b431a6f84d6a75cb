import { describe, expect, it } from 'vitest'
import { redactSecretArguments, redactSecrets } from './redact-secrets.ts'

const shown = (program: string, ...args: string[]) => redactSecretArguments(program, args).join(' ')

describe('arguments that look like secrets', () => {
  it.each([
    ['mysql', '-uroot', '-pMARKER', 'shop'],
    ['mysql', '--password=MARKER'],
    ['mysql', '--password', 'MARKER'],
    ['/usr/bin/curl', '-u', 'ada:MARKER', 'https://x.example'],
    ['curl', '-uada:MARKER'],
    ['curl', '-H', 'Authorization: Bearer MARKER.MARKER'],
    ['curl', '-H', 'X-Api-Key: MARKER'],
    ['curl', '-d', '{"user":"ada","password":"MARKER"}', 'https://x.example'],
    ['curl', 'https://ada:MARKER@x.example/path'],
    ['git', 'clone', 'https://MARKERMARKERMARKERMARKER@x.example/a.git'],
    ['/bin/sh', '-c', 'PGPASSWORD=MARKER psql -h db'],
    ['/bin/sh', '-c', "export DB_PASSWORD='MARKER WITH SPACES'; run"],
    ['/bin/bash', '-c', 'mysql -u root -pMARKER < dump.sql'],
    ['/bin/sh', '-c', 'echo "root:MARKER" | chpasswd'],
    ['/bin/sh', '-c', 'echo MARKER | sudo -S reboot'],
    ['sh', '-c', 'docker login -u ada -p MARKER registry.example'],
    ['/bin/sh', '-c', 'chpasswd <<EOF\nroot:MARKER\nEOF'],
    ['curl', '-b', 'sid=MARKER', 'https://x.example'],
    ['curl', 'https://hooks.slack.com/services/T0/B0/MARKER'],
    ['net', 'ads', 'join', '-U', 'ada%MARKER'],
    ['nmcli', 'connection', 'modify', 'x', 'wifi-sec.psk=MARKER'],
    ['sshpass', '-p', 'MARKER', 'ssh', 'host'],
    ['redis-cli', '-a', 'MARKER', 'info'],
    ['redis-cli', 'CONFIG', 'SET', 'requirepass', 'MARKER'],
    ['htpasswd', '-b', 'file', 'ada', 'MARKER'],
    ['openssl', 'enc', '-pass', 'pass:MARKER'],
    ['openssl', 'enc', '-passin', 'pass:MARKER'],
    ['aws', 'configure', 'set', 'aws_secret_access_key', 'MARKER'],
    ['sh', '-c', 'aws configure set aws_secret_access_key MARKER'],
    ['kubectl', 'create', 'secret', 'generic', 'x', '--from-literal=k=MARKER'],
    ['psql', '-c', "ALTER USER ada PASSWORD 'MARKER'"],
    ['mysql', '-e', "CREATE USER ada IDENTIFIED BY 'MARKER'"],
    ['docker', 'run', '-e', 'POSTGRES_PASSWORD=MARKER', 'postgres'],
    ['tool', '--api-key', 'MARKER'],
    ['tool', '-token', 'MARKER'],
    ['tool', '--client_secret=MARKER'],
    ['tool', 'user = ada, passwd := MARKER'],
    ['tool', '-----BEGIN OPENSSH PRIVATE KEY-----\nMARKER\n-----END OPENSSH PRIVATE KEY-----'],
    ['tool', '-----BEGIN RSA PRIVATE KEY-----\nMARKER'],
    ['tool', 'ghp_MARKERMARKERMARKERMARKER'],
    ['tool', 'x', 'glpat-MARKERMARKER-MARKER'],
    ['usermod', '-p', '$6$salt$MARKER', 'ada'],
    ['tool', 'root:$y$j9T$MARKER$MARKER:19000:0'],
    ['tool', 'eyJhbGciOiJIUzI1NiJ9.MARKERMARKER.MARKERMARKER'],
  ])('arguments of %s %s %s … that look like secrets are not stored', (program, ...args) => {
    expect(shown(program, ...args)).not.toContain('MARKER')
    expect(shown(program, ...args)).toContain('(not shown)')
  })

  it.each([
    'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY1',
    'Zm9v8aX2Qm9vYmFy71hcDkfQ==',
    'AKIAIOSFODNN7EXAMPLE',
  ])('an argument of random text is not stored: %s', (secret) => {
    expect(redactSecrets(`use ${secret} now`)).toBe('use (not shown) now')
  })

  it.each([
    'apt-get install -y nginx=1.22.1-9+deb12u2',
    'systemctl restart postgresql@15-main.service',
    '/usr/local/share/MyApp2/Release10/Docs/Index.html',
    'sha256sum e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    '4f5c1c1e-7d3e-4c55-9a43-0b6f2c1f8a11',
    'docker run -p 8080:80 nginx:1.27',
    'mysql --host=db -P 3306 -e "SELECT count(*) FROM users"',
    'tar --exclude=./cache -czf /srv/backup-2026-11-30T10:00:00.tar.gz /srv/www',
    'mkfs.ext4 -L data /dev/sdb1; mount /dev/sdb1 /mnt',
    'curl -fsS https://example.org/health?verbose=1',
    'tool --password-file /etc/tool/password',
  ])('an argument that is no secret is kept: %s', (text) => {
    expect(redactSecrets(text)).toBe(text)
    const [program = '', ...args] = text.split(' ')
    expect([program, ...redactSecretArguments(program, args)].join(' ')).toBe(text)
  })

  it('searching for secrets takes time linear in the text, whatever the text', () => {
    const began = performance.now()
    for (const part of ['pass', 'a', '-', '--token ', 'a:', '://', "'", 'x=', 'set ', 'eyJ', '$6$', 'A1b'])
      redactSecrets(part.repeat(20_000))
    expect(performance.now() - began).toBeLessThan(4000)
  })
})
