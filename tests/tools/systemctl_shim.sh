#!/bin/sh
# systemctl for a test host without systemd as process 1: keeps what is enabled and what runs in a folder.
state=/var/lib/test-host-units
while [ $# -gt 0 ]; do case $1 in --*|-l) shift ;; *) break ;; esac; done
verb=$1
[ $# -gt 0 ] && shift
unit=
for word in "$@"; do case $word in -*) ;; *) unit=$word ;; esac; done
case $unit in *.*|'') ;; *) unit=$unit.service ;; esac
mark() { mkdir -p "$state"; : > "$state/$1"; }
enabled() { [ -e "$state/$unit.enabled" ] && echo enabled || echo disabled; }
active() { [ -e "$state/$unit.active" ] && echo active || echo inactive; }
case $verb in
  show) printf 'Id=%s\nLoadState=loaded\nActiveState=%s\nSubState=%s\nUnitFileState=%s\n' "$unit" "$(active)" "$(active)" "$(enabled)" ;;
  is-enabled) enabled; [ "$(enabled)" = enabled ] ;;
  is-active) active; [ "$(active)" = active ] ;;
  enable) mark "$unit.enabled" ;;
  disable) rm -f "$state/$unit.enabled" ;;
  start|restart|reload|try-restart|reload-or-restart) mark "$unit.active" ;;
  stop) rm -f "$state/$unit.active" ;;
  daemon-reload|daemon-reexec) ;;
  list-units|list-unit-files) ;;
  --version|'') echo "systemd 252 (test host)" ;;
  *) echo "systemctl of the test host: unknown verb $verb" >&2; exit 1 ;;
esac
