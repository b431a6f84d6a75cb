"""The error that a person reads."""


class HostError(Exception):
    """A failure whose message says what is wrong and what to do."""
