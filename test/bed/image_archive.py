"""Makes an image of containers from programs of this host: `python3 - NAME:TAG ARCHIVE COMMAND PROGRAM… < this file`.

An OCI archive with the programs, their libraries and the modules of perl-base. COMMAND is in JSON.
The same programs make the same bytes.
"""

import glob
import hashlib
import io
import json
import os
import platform
import subprocess
import sys
import tarfile

TYPES = "application/vnd.oci.image."
FOLDERS = ("dev", "etc", "proc", "run", "sys", "tmp")
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
# The C library loads them by itself, to look up names.
LOADED = ("libnss_files.so.2", "libnss_dns.so.2", "libresolv.so.2")


def main(name, archive, command, *programs):
    blobs = {}

    def add(content, kind):
        digest = hashlib.sha256(content).hexdigest()
        blobs["blobs/sha256/" + digest] = content
        return {"mediaType": TYPES + kind, "digest": "sha256:" + digest, "size": len(content)}

    layer = add(make_layer(find_files(programs)), "layer.v1.tar")
    config = {
        "architecture": ARCHITECTURES[platform.machine()],
        "os": "linux",
        "config": {"Cmd": json.loads(command)},
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": TYPES + "manifest.v1+json",
        "config": add(to_json(config), "config.v1+json"),
        "layers": [layer],
    }
    top = add(to_json(manifest), "manifest.v1+json")
    top["annotations"] = {"org.opencontainers.image.ref.name": name}
    with tarfile.open(archive, "w") as tar:
        add_file(tar, "oci-layout", to_json({"imageLayoutVersion": "1.0.0"}))
        add_file(tar, "index.json", to_json({"schemaVersion": 2, "manifests": [top]}))
        for path, content in blobs.items():
            add_file(tar, path, content)


def to_json(content):
    return json.dumps(content).encode()


def find_files(programs):
    """Returns the paths that an image of these programs needs, sorted."""
    listed = subprocess.run(["ldd", *programs], capture_output=True, text=True, check=True).stdout.split()
    found = {word for word in listed if word.startswith("/") and not word.endswith(":")}
    found |= {path for name in LOADED for path in glob.glob("/lib/*-linux-gnu/" + name)}
    for root in glob.glob("/usr/lib/*-linux-gnu/perl-base"):
        found |= {os.path.join(folder, name) for folder, _, names in os.walk(root) for name in names}
    return sorted({*programs, *found})


def make_layer(paths):
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        for folder in FOLDERS:
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            tar.addfile(entry)
        for path in paths:
            with open(path, "rb") as file:
                add_file(tar, path.lstrip("/"), file.read(), os.stat(path).st_mode & 0o755)
    return layer.getvalue()


def add_file(tar, path, content, mode=0o644):
    entry = tarfile.TarInfo(path)
    entry.size, entry.mode = len(content), mode
    tar.addfile(entry, io.BytesIO(content))


main(*sys.argv[1:])
