"""Orders for tests, from the samples in test/host/orders."""

import copy
import json
from pathlib import Path

SAMPLES = Path(__file__).with_name("orders")
RESOLVED = {"entrypoint": ["/image-entrypoint"], "volumes": []}


def sample(name="complete"):
    return json.loads((SAMPLES / (name + ".json")).read_text())


def resolved(order, addresses=None, **images):
    """An order as it stands on the disk: with what `prepare` has found out."""
    found = {each["name"]: images.get(each["name"], RESOLVED) for each in order["containers"]}
    return {**copy.deepcopy(order), "resolved": {"images": found, "addresses": addresses}}


def container_of(order, name):
    return next(each for each in order["containers"] if each["name"] == name)
