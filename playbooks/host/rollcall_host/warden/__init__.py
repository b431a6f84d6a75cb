"""The warden of a host: looks at its instances, makes their health checks and writes a report. It restarts nothing.

It runs as long as the host has instances, so it is kept small: what costs memory, such as subprocess and hashlib, is
not imported, and nothing is run by the clock but a check that is a program itself.
"""
