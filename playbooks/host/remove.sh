# Removes the Rollcall agent and all that an installation of it left, whether it was complete, half done or not there.
# POSIX sh, fed to "sh -s" as root; needs no Python and no tools on the host, so it also mends what no playbook could run on.
# Says what it removed. Exits with 1, naming what is left, when something could not be removed.
# shellcheck shell=sh
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
state=/var/lib/rollcall-agent
units=/etc/systemd/system
boot=$(cat /proc/sys/kernel/random/boot_id)
removed=0

have() { command -v "$1" >/dev/null 2>&1; }

# An installation that is still going on, from a server or a connection that is gone.
lock=/run/rollcall-bootstrap.lock
if [ -e "$lock" ] && have flock && ! flock -n "$lock" true; then
  read -r kind number <"$lock"
  case "$number" in
    *[!0-9]* | '') ;;
    *)
      echo "Ending an installation that is still going on"
      if [ "$kind" = group ]; then kill -s KILL -- "-$number"; else kill -s KILL "$number"; fi
      ;;
  esac
fi

# <command folder>: the process group of a command that has not ended, as its records say. Only of this boot, and only
# when its leader is the process that was started, or is gone: the kernel gives a number away again only when no group
# bears it. Services that a command left behind on purpose are in other groups, and stay.
print_group() {
  [ -f "$1/started.json" ] && [ ! -s "$1/exit.json" ] || return
  grep -q "\"boot_id\":\"$boot\"" "$1/spec.json" 2>/dev/null || return
  record=$(sed -n 's/.*"program":{"pid":\([0-9][0-9]*\),"start":"\([0-9]*\)"}.*/\1 \2/p' "$1/started.json")
  [ -n "$record" ] || return
  leader=${record% *} start=${record#* }
  if [ -r "/proc/$leader/stat" ]; then
    # Field 22, counted from behind the name in parentheses, which may hold anything.
    # shellcheck disable=SC2046
    set -- $(sed 's/.*) //' "/proc/$leader/stat")
    [ "${20:-}" = "$start" ] || return
  fi
  if kill -s 0 -- "-$leader" 2>/dev/null; then echo "$leader"; fi
}

print_groups() {
  for folder in "$state"/commands/*; do print_group "$folder"; done
}

stop_unit() {
  [ -e "$units/$1" ] || systemctl is-active --quiet "$1" || return
  echo "Stopping $1"
  systemctl disable --now "$1" 2>&1
}

if have systemctl; then
  # An upgrade first: it would start the agent again.
  systemctl stop rollcall-upgrade.service 2>/dev/null
  stop_unit rollcall-agent.service
  for group in $(print_groups); do
    echo "Ending the command of process group $group"
    kill -s TERM -- "-$group" 2>/dev/null
  done
  tries=0
  while [ "$tries" -lt 25 ] && [ -n "$(print_groups)" ]; do
    tries=$((tries + 1))
    sleep 0.2
  done
  for group in $(print_groups); do kill -s KILL -- "-$group" 2>/dev/null; done
  # The socket first: it would start the runner again.
  for unit in "$units"/rollcall-*.socket "$units"/rollcall-runner*.service; do
    [ -f "$unit" ] && stop_unit "${unit##*/}"
  done
fi

# Files that were not yet in their place, beside where they were to be; nothing writes them any more.
for part in "$state"/transfers/*/part; do
  [ -L "$part" ] || continue
  path=$(readlink "$part")
  case "${path##*/}" in .rollcall-*.part) rm -f -- "$path" && echo "Removed $path" ;; esac
done

for path in "$units"/rollcall-agent*.* "$units"/rollcall-runner*.* "$units"/*.wants/rollcall-agent*.* \
  "$units"/*.wants/rollcall-runner*.* "$units"/rollcall-upgrade*.* "$units"/*.wants/rollcall-upgrade*.* \
  /var/lib/rollcall-upgrade /opt/rollcall-agent /opt/rollcall-tools /opt/rollcall-tools.new \
  /opt/rollcall-tools.old /etc/rollcall-agent "$state" /run/rollcall-agent /run/rollcall-bootstrap.lock \
  /root/.rollcall-staging /var/tmp/.rollcall-staging-* /run/rollcall-playbook-* /var/tmp/rollcall-playbook-*; do
  [ -e "$path" ] || [ -L "$path" ] || continue
  if rm -rf -- "$path"; then
    echo "Removed $path"
    removed=$((removed + 1))
  else
    echo "Cannot remove $path" >&2
    failed=1
  fi
done

if have systemctl && [ -d /run/systemd/system ]; then
  systemctl daemon-reload || failed=1
  systemctl reset-failed 'rollcall-agent*' 'rollcall-runner*' 2>/dev/null
fi
if [ "$removed" = 0 ]; then echo "There was nothing of Rollcall on this host"; fi
exit "${failed:-0}"
