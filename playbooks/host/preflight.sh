# Looks at a host before anything is changed on it, and prints what it saw as key=value lines between two markers.
# POSIX sh, fed to "sh -s", with the home of who signs in behind it when it runs as root by sudo; needs no Python and no root.
# As root it sees more: the keys after "is_root=yes".
# What the values must be is decided by the server (decidePreflight), not here.
# shellcheck shell=sh
# Words are split on purpose: the fields of df and ls, and names of releases, have no spaces in them.
# shellcheck disable=SC2046,SC2005,SC2012
# shellcheck source=/dev/null
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
newline='
'

say() { printf '%s=%s\n' "$1" "${2%%"$newline"*}"; }
have() { command -v "$1" >/dev/null 2>&1; }

# The nearest folder that exists, as $place.
nearest() {
  place=$1
  while [ ! -d "$place" ]; do
    place=${place%/*}
    [ -n "$place" ] || place=/
  done
}

# Which folder it is, for whoever can work in it: root has no rights in a home on the network, and may see another one.
id_of() {
  if [ -d "$1" ] && [ -r "$1" ] && [ -w "$1" ] && [ -x "$1" ]; then ls -di "$1" 2>/dev/null | { read -r inode _ && echo "$inode"; }; fi
}

# <name> <folder>: free KiB, free inodes, mount point, type and mount options of the file system that the folder is or would be on.
say_disk() {
  nearest "$2"
  set -- "$1" $(df -Pk "$place" 2>/dev/null | tail -n 1)
  free=${5:-} mount=${7:-/} options=
  set -- "$1" $(df -Pi "$place" 2>/dev/null | tail -n 1)
  while read -r _ point type found _; do
    if [ "$point" = "$mount" ]; then options=type=$type,$found; fi
  done </proc/self/mounts
  say "$1" "$free ${5:-} $mount $options"
}

# Local ports in state LISTEN, in hexadecimal, as $ports; those of the socket inodes in $own as $own_ports.
listening() {
  ports='' own_ports=''
  for table in /proc/net/tcp /proc/net/tcp6; do
    [ -r "$table" ] || continue
    while read -r _ local _ state _ _ _ _ _ inode _; do
      [ "$state" = 0A ] || continue
      port=${local##*:}
      case ,$ports, in *,"$port",*) ;; *) ports=${ports:+$ports,}$port ;; esac
      case "$own" in *"[$inode]"*) own_ports=${own_ports:+$own_ports,}$port ;; esac
    done <"$table"
  done
}

user_home=${1:-}
echo rollcall-preflight-begin
uid=$(id -u)
say uid "$uid"
say user "$(id -un 2>/dev/null)"
say machine "$(uname -m)"
say kernel "$(uname -r)"
say word_bits "$(getconf LONG_BIT 2>/dev/null)"
say os "$(. /etc/os-release 2>/dev/null && printf %s "$PRETTY_NAME")"
say libc "$(getconf GNU_LIBC_VERSION 2>/dev/null || ldd --version 2>&1)"
say init "$(cat /proc/1/comm 2>/dev/null)"
say systemd "$(if [ -d /run/systemd/system ] && have systemctl; then systemctl --version; fi)"
say python "$(python3 -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null)"
# By -c and not from a here-document: a shell keeps that in /tmp, which may be full.
say python_lacks "$(have python3 && python3 -c '
lacks = []
for name in ("ctypes email.message fcntl grp hashlib http.client json logging.handlers lzma multiprocessing "
             "pwd ssl tarfile urllib.request uuid zipfile zipimport zlib").split():
    try:
        __import__(name)
    except Exception:
        lacks.append("module " + name)
if "module multiprocessing" not in lacks:
    try:
        __import__("multiprocessing").get_context("fork").Lock()
    except Exception:
        lacks.append("semaphores (/dev/shm)")
print(", ".join(lacks))
' 2>&1)"
if [ -n "$HOME" ] && [ -d "$HOME" ] && [ ! -L "$HOME" ] && [ -w "$HOME" ]; then
  set -- $(ls -ldn "$HOME")
  case "$1" in
    d????w* | d???????w*) ;;
    *)
      if [ "$3" = "$uid" ]; then
        say home "$HOME"
        say home_id "$(id_of "$HOME")"
        [ "$uid" != 0 ] || say home_seen "$(id_of "$HOME")"
      fi
      ;;
  esac
fi
say machine_id "$(cat /etc/machine-id 2>/dev/null)"
say ephemeral "$(cat /proc/sys/net/ipv4/ip_local_port_range 2>/dev/null)"
say_disk disk_opt /opt/rollcall-agent
say_disk disk_etc /etc/rollcall-agent
say_disk disk_var /var/lib/rollcall-agent
say_disk disk_home "${HOME:-/}"
say_disk disk_var_tmp /var/tmp
own=
if [ "$uid" = 0 ]; then
  say is_root yes
  if [ -n "$user_home" ]; then say home_seen "$(id_of "$user_home")"; fi
  locked=
  for folder in /opt/rollcall-agent /opt/rollcall-tools /etc/rollcall-agent /etc/systemd/system /var/lib/rollcall-agent /run; do
    nearest "$folder"
    if [ ! -w "$place" ]; then locked="${locked:+$locked }$place"; fi
  done
  say unwritable "$locked"
  agent=$(systemctl show --property=MainPID --value rollcall-agent.service 2>/dev/null)
  if [ "${agent:-0}" != 0 ]; then own=$(ls -l "/proc/$agent/fd" 2>/dev/null); fi
  # Whose the agent is: what the installation wrote down, and for those from before it did, its certificate and its servers.
  say agent_owner "$(cat /etc/rollcall-agent/owner 2>/dev/null)"
  if [ -r /etc/rollcall-agent/config.json ]; then
    say agent_certificate "$(sha256sum </etc/rollcall-agent/ssl/agent.crt 2>/dev/null)"
    say agent_servers "$(tr -d '[:space:]' </etc/rollcall-agent/config.json | sed -n 's/.*"server_pins":\[\([^]]*\)\].*/\1/p')"
  fi
  say releases "$(echo $(ls /opt/rollcall-agent/releases 2>/dev/null))"
  say tools "$(cat /opt/rollcall-tools/current/VERSION 2>/dev/null)"
fi
listening
say listening "$ports"
say agent_ports "$own_ports"
echo rollcall-preflight-end
