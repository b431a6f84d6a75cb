"""The instances of services on a host: plain systemd units that run podman.

A server gives an order for each generation of an instance; `prepare` checks it and puts it on the disk, `start` makes
it the one in force. From then on the host needs no server: the units run `may-run`, `tidy`, `wait-for` and `run` from
/opt/rollcall-services. See `instances` for what is on the disk, and docs/adr/0015 for the units.
"""
