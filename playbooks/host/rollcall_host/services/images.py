"""The images of instances: from an OCI layout that the server has put on the host, or pulled by `pulls`.

    /var/lib/rollcall-images/<hex of the manifest's digest>/    an OCI layout with one image; `blobs` is a link to
    /var/lib/rollcall-images/blobs/sha256/                      the blobs, which all layouts share
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import time
from typing import Any, Mapping, Optional

from .. import files
from . import instances, paths, podman
from .podman_run import image_reference
from .step_error import IMAGE_MISSING, ORDER_INVALID, StepError

IMPORT_TIMEOUT_SECONDS = 20 * 60
MAX_MANIFEST_BYTES = 4 * 1024 * 1024
# A blob that no layout has yet may be on its way into one.
BLOB_KEEP_SECONDS = 60 * 60
LAYOUT = re.compile("[0-9a-f]{64}")
DIGEST = re.compile("sha256:[0-9a-f]{64}")

Image = Mapping[str, str]


def ensure_image(image: Image) -> Mapping[str, Any]:
    """Imports an image that podman does not have. Returns what podman says of it. Throws `StepError`."""
    reference = image_reference(image["digest"])
    found = inspect(reference)
    if found is None and image["source"] == "host":
        raise StepError(IMAGE_MISSING, "%s is not on this host, which has to pull it first." % describe(image))
    if found is None:
        id = import_layout(image)
        podman.podman("tag", id, reference)
        # It is not there with every podman.
        podman.run("untag", id, layout_name(image["digest"].partition(":")[2]) + ":latest")
        found = inspect(reference)
    if found is None:
        raise StepError(IMAGE_MISSING, "podman does not show %s, which it has imported." % describe(image))
    return found


def inspect(reference: str) -> Optional[Mapping[str, Any]]:
    done = podman.run("image", "inspect", reference)
    found = json.loads(done.stdout or "[]") if done.returncode == 0 else []
    return found[0] if found else None


def describe(image: Image) -> str:
    return "the image %s (%s)" % (image["ref"], image["digest"])


def import_layout(image: Image) -> str:
    """Returns the id that podman gives to the image of a layout. Throws `StepError` where it is not the ordered one."""
    name = image["digest"].partition(":")[2]
    layout = os.path.join(paths.IMAGES, name)
    manifest = files.read_file(os.path.join(layout, "blobs", "sha256", name))
    if manifest is None:
        raise StepError(IMAGE_MISSING, "%s is not in %s. Send it to this host first." % (describe(image), paths.IMAGES))
    if len(manifest) > MAX_MANIFEST_BYTES or hashlib.sha256(manifest).hexdigest() != name:
        raise StepError(IMAGE_MISSING, "The manifest of %s is damaged in %s." % (describe(image), layout))
    done = podman.run("pull", "--quiet", "oci:" + layout, timeout=IMPORT_TIMEOUT_SECONDS)
    if done.returncode != 0:
        raise StepError(IMAGE_MISSING, "podman cannot import %s: %s" % (describe(image), podman.reason(done.stderr)))
    id = str(done.stdout.split()[-1])
    if not is_ordered(id, manifest, image["digest"]):
        podman.run("image", "rm", id)
        raise StepError(IMAGE_MISSING, "%s holds another image than %s." % (layout, describe(image)))
    return id


def is_ordered(id: str, manifest: bytes, digest: str) -> bool:
    """Returns whether an imported image is that of a manifest: podman's id is the digest of the configuration."""
    try:
        config = json.loads(manifest)["config"]["digest"]
    except (ValueError, KeyError, TypeError):
        return False
    found = inspect(id) or {}
    return bool(found) and (config == "sha256:" + found["Id"].rpartition(":")[2] or digest == found.get("Digest"))


def list_images() -> list[dict[str, Any]]:
    """Returns the digests of manifests that podman has on this host, with the bytes of each image."""
    found: dict[str, int] = {}
    for image in listed():
        for digest in digests_of(image):
            found[digest] = int(image.get("Size", 0))
    return [{"digest": digest, "bytes": size} for digest, size in sorted(found.items())]


def digests_of(image: Mapping[str, Any]) -> list[str]:
    prefix = image_reference("")
    named = ["sha256:" + name[len(prefix):] for name in image.get("Names") or [] if name.startswith(prefix)]
    own = image.get("Digest")
    return [*named, *([own] if own and own not in named else [])]


def remove_images(digests: list[str]) -> dict[str, Any]:
    """Removes images that no instance and no container uses. Returns which are gone and which stay, and why.

    Throws `StepError` for what is no digest: a folder is removed by it.
    """
    if not all(DIGEST.fullmatch(digest) for digest in digests):
        raise StepError(ORDER_INVALID, "remove-images takes digests of manifests: sha256: and 64 hexadecimal digits.")
    used = users()
    removed: list[str] = []
    kept: list[dict[str, str]] = []
    for digest in digests:
        why = used.get(digest) or remove_image(digest)
        if why:
            kept.append({"digest": digest, "why": why})
        else:
            removed.append(digest)
            shutil.rmtree(os.path.join(paths.IMAGES, digest.partition(":")[2]), ignore_errors=True)
            files.remove_file(pulled_file(digest))
    remove_blobs()
    return {"removed": removed, "kept": kept}


def users() -> dict[str, str]:
    """Returns for each digest which instance uses it, prepared and former generations included."""
    found = {}
    for id in instances.list_ids():
        for generation in instances.list_generations(id):
            order = instances.read_order(id, generation) or {"containers": []}
            for container in order["containers"]:
                found[container["image"]["digest"]] = "%s uses it" % order["name"]
    return found


def remove_image(digest: str) -> Optional[str]:
    """Removes an image by the names that are ours: people's own names keep it. Returns why it stays, None without."""
    # podman lists an image once for each of its names.
    found = {image["Id"]: image for image in listed() if digest in digests_of(image)}
    pulled = pulled_names(digest)
    for id, image in found.items():
        names = image.get("Names") or []
        own = [name for name in names if name == image_reference(digest) or name.startswith(layout_name(""))]
        is_ours = all(name in own or name in pulled for name in names)
        # A name by digest cannot be taken away alone: it goes last, with the image.
        last = [name for name in pulled if name in names or inspect(name) is not None] if is_ours else []
        for target in [*own, *last] or ([] if names else [id]):
            done = podman.run("image", "rm", target)
            if done.returncode != 0:
                return podman.reason(done.stderr)
    return None


def pulled_file(digest: str) -> str:
    return os.path.join(paths.IMAGES, "pulled", digest.partition(":")[2])


def pulled_names(digest: str) -> list[str]:
    """Returns the names by which pulls of ours have brought an image."""
    return (files.read_file(pulled_file(digest)) or b"").decode("utf-8", "replace").split()


def listed() -> list[Mapping[str, Any]]:
    images: list[Mapping[str, Any]] = json.loads(podman.podman("images", "--digests", "--format", "json") or "[]") or []
    return images


def layout_name(digest: str) -> str:
    """Returns the name that podman 4.3 gives to an image of a layout, by itself."""
    return "localhost%s/%s" % (paths.IMAGES, digest)


def remove_blobs() -> None:
    """Removes blobs that are in no layout any more, unless a layout is not whole: its blobs may be on their way."""
    folder = os.path.join(paths.IMAGES, "blobs", "sha256")
    used = list_used_blobs()
    if used is None:
        return
    for name in os.listdir(folder) if os.path.isdir(folder) else []:
        path = os.path.join(folder, name)
        if name not in used and os.lstat(path).st_mtime < time.time() - BLOB_KEEP_SECONDS:
            files.remove_file(path)


def list_used_blobs() -> "Optional[set[str]]":
    """Returns the blobs of all layouts by the hashes of their content, None where a manifest cannot be read."""
    used: set[str] = set()
    for name in os.listdir(paths.IMAGES) if os.path.isdir(paths.IMAGES) else []:
        if not LAYOUT.fullmatch(name):
            continue
        manifest = files.read_json(os.path.join(paths.IMAGES, name, "blobs", "sha256", name))
        try:
            each = [name, manifest["config"]["digest"], *[layer["digest"] for layer in manifest["layers"]]]
        except (KeyError, TypeError):
            return None
        used.update(digest.rpartition(":")[2] for digest in each)
    return used
