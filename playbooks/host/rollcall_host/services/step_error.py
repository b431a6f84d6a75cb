"""The errors that steps answer with, each with a code that the server knows."""

from __future__ import annotations

from ..host_error import HostError

ORDER_INVALID = "instance.order_invalid"
GENERATION_OLD = "instance.generation_old"
PORT_TAKEN = "instance.port_taken"
MOUNT_MISSING = "instance.mount_missing"
HOST_FULL = "instance.host_full"
IMAGE_MISSING = "instance.image_missing"
FENCE_UNSUPPORTED = "instance.fence_unsupported"
ENGINE_MISSING = "instance.engine_missing"
START_FAILED = "instance.start_failed"
STOP_FAILED = "instance.stop_failed"
UNKNOWN = "instance.unknown"
STORAGE_BROKEN = "host.container_storage_broken"


class StepError(HostError):
    """A step that failed, with a code for the server and a message for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
