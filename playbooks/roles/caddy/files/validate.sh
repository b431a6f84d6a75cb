# validate.sh PROGRAM CADDYFILE: validates as the user that Caddy runs as, who cannot read the file itself. What Caddy opens
# to try, a log for example, must not become root's.
# shellcheck shell=sh
exec runuser -u rollcall-caddy -- env HOME=/var/lib/rollcall-caddy "$1" validate --adapter caddyfile --config - <"$2"
