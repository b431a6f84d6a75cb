"""What an order for an instance must be, in the part of JSON Schema that `schema` checks."""

from __future__ import annotations

from typing import Any, Mapping, Optional

Schema = Mapping[str, Any]

MAX_CONTAINERS = 32
MAX_CHECKS = 32
MAX_SECRET_BYTES = 64 * 1024
MAX_CONFIG_BYTES = 1024 * 1024
MAX_TEXT_LENGTH = 100_000
MAX_BYTES = 2**53
DAY_MS = 24 * 60 * 60 * 1000


def text(pattern: Optional[str] = None, max_length: int = MAX_TEXT_LENGTH) -> Schema:
    return {"type": "string", "maxLength": max_length, **({"pattern": pattern} if pattern else {})}


def whole(minimum: int, maximum: int) -> Schema:
    return {"type": "integer", "minimum": minimum, "maximum": maximum}


def words(*each: str) -> Schema:
    return {"type": "string", "enum": list(each)}


def entries(items: Schema, most: int, least: int = 0) -> Schema:
    return {"type": "array", "items": items, "minItems": least, "maxItems": most}


def record(**properties: Schema) -> Schema:
    """Returns an object that has these properties, all of them and no other."""
    return {
        "type": "object", "properties": properties, "required": list(properties), "additionalProperties": False,
    }


def nullable(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def either(*parts: Schema) -> Schema:
    return {"anyOf": list(parts)}


def constant(value: str) -> Schema:
    return {"type": "string", "const": value}


def files_of(max_bytes: int) -> Schema:
    """Returns an object from names to contents in base64."""
    return {
        "type": "object",
        "propertyNames": SOURCE,
        "additionalProperties": {"type": "string", "maxLength": 4 * (max_bytes // 3 + 1)},
    }


FLAG = {"type": "boolean"}
# One line: what a flag of podman takes as one field.
LINE = text(r"[^\x00-\x1f\x7f]+", 1024)
SOURCE = text(r"[^\x00-\x1f\x7f]{1,255}")
NAME = text(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
# As podman takes names of volumes and networks.
PODMAN_NAME = text(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,254}")
# podman reads a mount as fields with commas between them, and old ones cut a field at its second "=".
PATH = text(r'/[^\x00-\x1f\x7f,="]*', 4096)
DEVICE_PATH = text(r'/[^\x00-\x1f\x7f:,="]*', 4096)
DIGEST = text(r"sha256:[0-9a-f]{64}")
ADDRESS = text(r"[0-9A-Fa-f:.]{2,45}")
PORT = whole(1, 65_535)
MODE = whole(0, 0o7777)
BYTES = whole(0, MAX_BYTES)
MS = whole(0, DAY_MS)
PAIR_NAME = text(r"[^=\x00-\x20\x7f]{1,255}")
VARIABLE = text(r"[A-Za-z_][A-Za-z0-9_]*", 255)
OWNER = nullable(text(r"[0-9]{1,10}"))

IMAGE = record(ref=text(r"[^\x00-\x20\x7f]{1,512}"), digest=DIGEST, source=words("layout", "host"))
AFTER = record(container=NAME, condition=words("started", "healthy", "completed"))
PAIR = record(name=PAIR_NAME, value=text())
MOUNT = either(
    record(type=constant("volume"), target=PATH, is_read_only=FLAG, source=nullable(PODMAN_NAME)),
    record(
        type=constant("bind"), target=PATH, is_read_only=FLAG, source=PATH, is_created=FLAG,
        propagation=nullable(words("private", "rprivate", "shared", "rshared", "slave", "rslave")),
        selinux=nullable(words("z", "Z")),
    ),
    record(
        type=constant("tmpfs"), target=PATH, is_read_only=FLAG, size_bytes=nullable(BYTES), mode=nullable(MODE),
    ),
)
GRANT = record(source=SOURCE, target=PATH, uid=OWNER, gid=OWNER, mode=nullable(MODE))
HEALTHCHECK = record(
    test=nullable(entries(text(), 512)), interval_ms=MS, timeout_ms=MS, retries=whole(1, 1000), start_period_ms=MS,
    start_interval_ms=nullable(MS),
)
CPUS = {"type": "number", "minimum": 0, "maximum": 4096}
RESOURCES = record(
    max_cpus=nullable(CPUS), max_memory_bytes=nullable(BYTES), max_pids=nullable(whole(-1, 2**22)),
    reserved_cpus=nullable(CPUS), reserved_memory_bytes=nullable(BYTES),
)
PUBLISHED = record(target=PORT, published=PORT, protocol=words("tcp", "udp"), host_ip=nullable(ADDRESS))
EXTRA_HOST = record(name=text(r"[^\x00-\x20\x7f:]{1,255}"), address=either(ADDRESS, constant("host-gateway")))
CONTAINER = record(
    name=NAME,
    is_job=FLAG,
    after=entries(AFTER, MAX_CONTAINERS),
    image=IMAGE,
    command=nullable(entries(text(), 512)),
    entrypoint=nullable(entries(text(), 512)),
    working_dir=nullable(text(r"[^\x00-\x1f\x7f]+", 4096)),
    user=nullable(LINE),
    groups=entries(LINE, 64),
    hostname=nullable(text(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,252}")),
    aliases=entries(text(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}"), 32),
    environment=entries(PAIR, 1024),
    secret_environment=entries(record(name=PAIR_NAME, secret=SOURCE), 128),
    mounts=entries(MOUNT, 128),
    secrets=entries(GRANT, 128),
    configs=entries(GRANT, 128),
    healthcheck=nullable(HEALTHCHECK),
    labels=entries(PAIR, 256),
    network_mode=words("group", "host", "none"),
    extra_hosts=entries(EXTRA_HOST, 128),
    dns=entries(ADDRESS, 16),
    dns_search=entries(LINE, 32),
    dns_options=entries(LINE, 32),
    added_capabilities=entries(text(r"[A-Za-z_]{1,64}"), 64),
    dropped_capabilities=entries(text(r"[A-Za-z_]{1,64}"), 64),
    is_read_only=FLAG,
    has_init=FLAG,
    is_privileged=FLAG,
    has_host_pids=FLAG,
    ipc=nullable(words("host", "private", "shareable")),
    security_options=entries(LINE, 32),
    ulimits=entries(record(name=text(r"[a-z]{1,16}"), soft=whole(-1, MAX_BYTES), hard=whole(-1, MAX_BYTES)), 32),
    sysctls=entries(record(name=text(r"[A-Za-z0-9_./-]{1,255}"), value=text(r"[^\x00-\x1f\x7f]*", 1024)), 64),
    shm_bytes=nullable(BYTES),
    stop_signal=nullable(text(r"[A-Za-z0-9+-]{1,16}")),
    stop_grace_ms=MS,
    devices=entries(record(source=DEVICE_PATH, target=DEVICE_PATH, permissions=text(r"[rwm]{1,3}")), 64),
    oom_score_adj=nullable(whole(-1000, 1000)),
    resources=RESOURCES,
    has_output=FLAG,
    ports=entries(PUBLISHED, 128),
)
PROBE = either(
    record(kind=constant("http"), path=text(r"/[^\x00-\x20\x7f]*", 2048), port=PORT),
    record(kind=constant("tcp"), port=PORT),
    record(kind=constant("database"), database=words("postgres", "mysql", "redis"), port=PORT),
    record(kind=constant("command"), argv=entries(text(), 512, least=1)),
    record(kind=constant("process"), name=text(r"[^\x00-\x1f\x7f]{1,255}")),
    record(
        kind=constant("resources"), max_memory_percent=nullable(whole(1, 100)),
        max_cpu_percent=nullable(whole(1, 1_000_000)),
    ),
)
CHECK = record(
    container=NAME, probe=PROBE, is_critical=FLAG, interval_ms=whole(100, DAY_MS), timeout_ms=whole(1, DAY_MS),
    fails=whole(1, 1000), passes=whole(1, 1000), start_period_ms=MS,
)
PLAYBOOK = record(
    name=text(r"[a-z0-9][a-z0-9_/-]{0,200}"),
    file=text(r"[a-z0-9][a-z0-9_-]{0,99}\.yml"),
    collection=nullable(record(name=text(r"[a-z0-9][a-z0-9_-]{0,62}"), version=text(r"[0-9a-f]{64}"))),
    state_variable=VARIABLE,
    variables={"type": "object", "propertyNames": VARIABLE},
    unit=nullable(text(r"[A-Za-z0-9][A-Za-z0-9:_.@-]{0,200}\.service")),
    ports=entries(record(published=PORT, protocol=words("tcp", "udp"), host_ip=nullable(ADDRESS)), 128),
)
ORDER = record(
    format=whole(1, 1),
    instance=text(r"[0-9a-f]{8}"),
    generation=whole(1, 999_999_999),
    revision=text(r"[0-9a-f]{64}"),
    name=text(r"[A-Za-z0-9][A-Za-z0-9_./-]{0,199}"),
    project=NAME,
    service=NAME,
    slot=whole(1, 1_000_000),
    fence=words("none", "lease", "confirm"),
    network=nullable(PODMAN_NAME),
    containers=entries(CONTAINER, MAX_CONTAINERS),
    playbook=nullable(PLAYBOOK),
    volumes=entries(record(name=PODMAN_NAME, is_external=FLAG), 256),
    secrets=files_of(MAX_SECRET_BYTES),
    configs=files_of(MAX_CONFIG_BYTES),
    checks=entries(CHECK, MAX_CHECKS),
)
