import { cp, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Host } from '../../bed/index.ts'

const IMAGES = '/var/lib/rollcall-images'

/** Makes a layout of one image with the host's own shell, perl and cat, and prints the digest of its manifest. */
const MAKE_LAYOUT = `
import glob, hashlib, io, json, os, platform, subprocess, sys, tarfile
programs = ["/bin/sh", "/bin/sleep", "/bin/cat", "/usr/bin/perl"]
listed = subprocess.run(["ldd", *programs], capture_output=True, text=True, check=True).stdout.split()
names = ["libnss_files.so.2", "libnss_dns.so.2", "libresolv.so.2"]
libraries = {word for word in listed if word.startswith("/") and not word.endswith(":")}
libraries |= {path for name in names for path in glob.glob("/lib/*-linux-gnu/" + name)}
perl = [os.path.join(at, name) for root in glob.glob("/usr/lib/*-linux-gnu/perl-base") for at, _, each in os.walk(root) for name in each]
layer = io.BytesIO()
with tarfile.open(fileobj=layer, mode="w", dereference=True) as tar:
    for folder in ("tmp", "run", "etc", "proc", "sys", "dev"):
        info = tarfile.TarInfo(folder)
        info.type, info.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
        tar.addfile(info)
    for path in [*programs, *sorted(libraries), *sorted(perl), "/etc/nsswitch.conf"]:
        if os.path.exists(path):
            tar.add(path, path.lstrip("/"))
blobs = {}
def add(content, kind):
    digest = hashlib.sha256(content).hexdigest()
    blobs[digest] = content
    return {"mediaType": kind, "digest": "sha256:" + digest, "size": len(content)}
types = "application/vnd.oci.image."
inside = add(layer.getvalue(), types + "layer.v1.tar")
architecture = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
config = {"architecture": architecture, "os": "linux", "config": {"Volumes": {"/declared": {}}, "Cmd": ["/bin/sleep", "inf"]},
          "rootfs": {"type": "layers", "diff_ids": [inside["digest"]]}}
manifest = {"schemaVersion": 2, "mediaType": types + "manifest.v1+json",
            "config": add(json.dumps(config).encode(), types + "config.v1+json"), "layers": [inside]}
top = add(json.dumps(manifest).encode(), types + "manifest.v1+json")
layout = os.path.join(sys.argv[1], top["digest"][7:])
os.makedirs(os.path.join(sys.argv[1], "blobs/sha256"))
os.makedirs(layout)
os.symlink("../blobs", os.path.join(layout, "blobs"))
for digest, content in blobs.items():
    open(os.path.join(layout, "blobs/sha256", digest), "wb").write(content)
open(os.path.join(layout, "oci-layout"), "w").write(json.dumps({"imageLayoutVersion": "1.0.0"}))
open(os.path.join(layout, "index.json"), "w").write(json.dumps({"schemaVersion": 2, "manifests": [top]}))
print(top["digest"])
`

/** Makes an image on the first host, and puts its layout onto all. Resolves to the digest of its manifest. */
export async function putImage(hosts: readonly Host[]): Promise<string> {
  const [first, ...others] = hosts as [Host, ...Host[]]
  const digest = (await first.output(['python3', '-c', MAKE_LAYOUT, IMAGES])).trim()
  for (const host of others) {
    await mkdir(join(host.root, IMAGES), { recursive: true })
    await cp(join(first.root, IMAGES), join(host.root, IMAGES), { recursive: true, verbatimSymlinks: true })
  }
  return digest
}

/** Answers who connects to its port, after the name of the port's file. */
export const SERVER = `use IO::Socket::INET; $SIG{TERM} = sub { exit 0 }; $| = 1;
my $server = IO::Socket::INET->new(LocalPort => $ARGV[0], Listen => 5, ReuseAddr => 1) or die "port: $!";
print "listening\\n"; while (my $client = $server->accept) { print $client "pong\\n"; close $client }`

/** Prints what the service of another container answers, by its name. */
export const CLIENT = `use IO::Socket::INET; my $answer;
for (1 .. 100) { my $there = IO::Socket::INET->new(PeerAddr => $ARGV[0], Timeout => 2);
  if ($there) { $answer = <$there>; last if defined $answer } select(undef, undef, undef, 0.1) }
print defined $answer ? "$ARGV[0] says $answer" : "$ARGV[0] is silent: $@\\n"; exit 0;`
