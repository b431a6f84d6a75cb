import { createHash } from 'node:crypto'

/** A stand-in on a host for a program or an image that cannot be fetched here. */
export interface StandIn {
  path: string
  text: string
  sha256: string
}

const standIn = (path: string, text: string): StandIn => ({
  path,
  text,
  sha256: createHash('sha256').update(text).digest('hex'),
})

/** Takes Xray's command line, and listens where its configuration says. */
export const XRAY = standIn(
  '/var/tmp/xray-stand-in',
  `#!/usr/bin/python3
import json, socket, sys
port = json.load(open(sys.argv[3]))["inbounds"][0]["port"]
server = socket.create_server(("127.0.0.1", port))
while True:
    server.accept()[0].close()
`,
)

/**
 * Takes Caddy's command lines, and knows of a Caddyfile one site on a port with one answer. It says that, over plain TCP, to whoever
 * connects, and takes another one without ending.
 */
export const CADDY = standIn(
  '/var/tmp/caddy-stand-in',
  `#!/usr/bin/python3
import os, re, signal, socket, sys
def read(path):
    text = sys.stdin.read() if path == "-" else open(path).read()
    site = re.fullmatch(r':(\\d+) {\\n\\s*respond "(.*)"\\n}\\n', text)
    return site or sys.exit("Error: adapting config using caddyfile: it is not understood")
verb, site = sys.argv[1], read(sys.argv[5])
if verb == "reload":
    os.kill(int(os.environ["MAINPID"]), signal.SIGHUP)
if verb != "run":
    sys.exit(0)
def reload(*_):
    global site
    site = read(sys.argv[5])
signal.signal(signal.SIGHUP, reload)
server = socket.create_server(("127.0.0.1", int(site[1])))
while True:
    connection = server.accept()[0]
    connection.sendall(site[2].encode())
    connection.close()
`,
)

/** Makes the archive /var/tmp/tiny.tar with an image of the host's own shell and sleep, and says what it hashes to. */
export const MAKE_TINY = `tar --create --dereference --absolute-names /bin/sh /bin/sleep $(
  ldd /bin/sh /bin/sleep | grep --only-matching '/[^ :]* ' | sort --unique) | podman import --quiet - tiny >&2
podman save --quiet --output /var/tmp/tiny.tar localhost/tiny:latest >&2
podman image rm localhost/tiny:latest >&2
sha256sum /var/tmp/tiny.tar`

/** Takes Xray's command line in a container, and listens where its configuration says. Perl is in every Debian, and small. */
export const XRAY_IN_CONTAINER = `use IO::Socket::INET;
$SIG{TERM} = sub { exit };
local $/; open(my $file, "<", $ARGV[2]) or die "$ARGV[2]: $!"; my ($port) = <$file> =~ /"port": (\\d+)/;
my $server = IO::Socket::INET->new(LocalPort => $port, Listen => 5, ReuseAddr => 1) or die "port $port: $!";
while (my $client = $server->accept) { close $client }
`

/** Makes the archive /var/tmp/xray.tar with an image of it, which comes on standard input, and says what that hashes to. */
export const MAKE_XRAY_IMAGE = `cat > /var/tmp/xray.pl
cd /; tar --create --dereference --absolute-names --transform 's,^/var/tmp/xray.pl,/xray.pl,' /var/tmp/xray.pl /usr/bin/perl /usr/lib/*/perl-base $(
  ldd /usr/bin/perl | grep --only-matching '/[^ :]* ' | sort --unique) | podman import --quiet - xray >&2
podman save --quiet --output /var/tmp/xray.tar localhost/xray:latest >&2
podman image rm localhost/xray:latest >&2
sha256sum /var/tmp/xray.tar`
