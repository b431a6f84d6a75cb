"""Images that this host pulls itself: `missing-images` tells which it lacks, `pull-image` pulls one.

    /var/lib/rollcall-images/pulls/<name>.json    what the server uploads for a pull, with passwords; gone once read
    /var/lib/rollcall-images/pulled/<hash>        the names by which pulls of ours have brought the image of a manifest
    /run/rollcall-services/pull-<pid>/            passwords and certificates for podman, until its pull has ended
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import time
from contextlib import contextmanager
from typing import Any, Iterator, Mapping, Optional

from .. import files, schema
from ..host_error import HostError
from . import images, paths, podman
from .order_schema import DIGEST, FLAG, entries, nullable, record, text
from .podman_run import image_reference
from .step_error import IMAGE_MISSING, ORDER_INVALID, StepError

MAX_REQUEST_BYTES = 1024 * 1024
# A request whose pull was killed before it was read.
REQUEST_KEEP_SECONDS = 60 * 60
FOLDER = re.compile("pull-([0-9]{1,10})")
NO_ROUTE = re.compile(
    "no such host|no route to host|network is unreachable|i/o timeout|connection refused|deadline exceeded|"
    "server misbehaving|temporary failure in name resolution",
    re.IGNORECASE,
)
REFUSED = re.compile("unauthorized|authentication required|denied|403 ", re.IGNORECASE)
PLACE = record(
    registry=text(r"[a-z0-9.:\[\]-]{1,260}"),
    # Below the registry.
    path=text(r"[a-z0-9][a-z0-9._/-]{0,511}"),
    is_plain_http=FLAG,
    ca=nullable(text(None, 65_536)),
    credentials=nullable(record(username=text(None, 255), password=text(None, 4096))),
)
REQUEST = record(ref=text(r"[^\x00-\x20\x7f]{1,512}"), digest=DIGEST, places=entries(PLACE, 16, least=1))

Place = Mapping[str, Any]


def missing_images(*digests: str) -> dict[str, Any]:
    """Returns which images podman does not have. Throws `StepError` for what is no digest."""
    if not digests or not all(images.DIGEST.fullmatch(digest) for digest in digests):
        raise StepError(ORDER_INVALID, "missing-images takes digests of manifests: sha256: and 64 hexadecimal digits.")
    return {"missing": [each for each in digests if images.inspect(image_reference(each)) is None]}


def pull_image(request_file: str) -> dict[str, Any]:
    """Pulls an image by its digest from the first place that gives it. Throws `StepError` with what each answered."""
    request = take_request(request_file)
    reference = image_reference(request["digest"])
    if images.inspect(reference) is not None:
        return {"pulled": False, "from": None}
    answers = []
    for place in request["places"]:
        name = "%s/%s@%s" % (place["registry"], place["path"], request["digest"])
        answer = pull_from(place, name)
        if answer is None:
            keep(name, request["digest"], reference)
            return {"pulled": True, "from": place["registry"]}
        answers.append(answer)
    raise StepError(IMAGE_MISSING, "%s was not pulled. %s" % (request["ref"], " ".join(answers)))


def take_request(path: str) -> Mapping[str, Any]:
    """Reads what the server has uploaded, and removes it before anything else is done: it holds passwords."""
    content = files.read_file(path)
    files.remove_file(path)
    remove_old(os.path.dirname(path))
    if content is None:
        raise HostError("There is no request at %s. Upload it again." % path)
    try:
        request = json.loads(content[:MAX_REQUEST_BYTES].decode())
    except (ValueError, RecursionError) as error:
        raise StepError(ORDER_INVALID, "The request is not JSON in UTF-8.") from error
    faults = list(schema.find_faults(REQUEST, request, "")) if isinstance(request, dict) else ["it is no object"]
    if faults:
        raise StepError(ORDER_INVALID, "The request is not right: %s." % "; ".join(faults[:5]))
    found: Mapping[str, Any] = request
    return found


def remove_old(folder: str) -> None:
    """Removes requests of pulls that never began."""
    if os.path.basename(folder) != "pulls":
        return
    for name in os.listdir(folder) if os.path.isdir(folder) else []:
        path = os.path.join(folder, name)
        if name.endswith(".json") and os.lstat(path).st_mtime < time.time() - REQUEST_KEEP_SECONDS:
            files.remove_file(path)


def pull_from(place: Place, name: str) -> Optional[str]:
    """Has podman pull by digest. Returns what the place answered where it did not give the image, None where it did."""
    with private_folder() as folder:
        flags = to_flags(place, folder)
        done = podman.run("pull", "--quiet", *flags, name, timeout=images.IMPORT_TIMEOUT_SECONDS)
    if done.returncode != 0:
        return to_answer(place, podman.reason(done.stderr))
    digest = name.rpartition("@")[2]
    found = images.inspect(name) or {}
    known = [found.get("Digest"), *[each.rpartition("@")[2] for each in found.get("RepoDigests") or []]]
    return None if digest in known else "%s gave another image than %s." % (place["registry"], digest)


def to_answer(place: Place, said: str) -> str:
    """Says what to do about what podman says of a place. The password is in no message."""
    registry = place["registry"]
    credentials = place["credentials"]
    if credentials is not None and credentials["password"]:
        said = said.replace(credentials["password"], "…")
    if NO_ROUTE.search(said):
        return (
            "This host does not reach %s (%s): give it a route, or a mirror by `rollcall registry add`, or have the "
            "server send the image, by `pull: server`." % (registry, said)
        )
    if REFUSED.search(said):
        who = "a user and a password" if credentials is None else "another user or password"
        return "%s wants %s (%s): `rollcall registry add %s --user NAME --password-file FILE`." % (
            registry, who, said, registry
        )
    return "%s: %s." % (registry, said)


def to_flags(place: Place, folder: str) -> list[str]:
    """Writes what podman must know of a place into files. Returns the flags that name them: no secret is in argv."""
    flags = ["--tls-verify=false"] if place["is_plain_http"] else []
    if place["ca"] is not None:
        write(os.path.join(folder, "ca.crt"), place["ca"])
        flags.append("--cert-dir=" + folder)
    if place["credentials"] is not None:
        both = "%s:%s" % (place["credentials"]["username"], place["credentials"]["password"])
        auth = base64.b64encode(both.encode()).decode()
        path = os.path.join(folder, "auth.json")
        write(path, json.dumps({"auths": {place["registry"]: {"auth": auth}}}))
        flags.append("--authfile=" + path)
    return flags


def write(path: str, content: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(content)


@contextmanager
def private_folder() -> Iterator[str]:
    """Makes a folder in memory that root alone reads, and removes it at the end, as those of killed pulls."""
    os.makedirs(paths.RUN, mode=0o700, exist_ok=True)
    for name in os.listdir(paths.RUN):
        owner = FOLDER.fullmatch(name)
        if owner and (int(owner[1]) == os.getpid() or not os.path.exists("/proc/%s" % owner[1])):
            shutil.rmtree(os.path.join(paths.RUN, name), ignore_errors=True)
    folder = os.path.join(paths.RUN, "pull-%d" % os.getpid())
    os.mkdir(folder, 0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def keep(name: str, digest: str, reference: str) -> None:
    """Gives an image the name that it runs by, and writes down which other one is ours to remove."""
    podman.podman("tag", name, reference)
    path = images.pulled_file(digest)
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    names = sorted({*images.pulled_names(digest), name})
    files.write_file(path, "".join("%s\n" % each for each in names).encode())
