#!/usr/bin/env bash
# Brings a machine that has only Debian 12, Node 20 and npm to where everything in this repository runs.
# Usage: setup.sh [node] [system] [missing]   (default: node system). Safe to run again; does nothing where nothing is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PATH:/usr/sbin:/sbin" # where daemons and dpkg's helpers are

setup_node() {
  local stamp=node_modules/.package-lock.json
  if [ ! -f "$stamp" ] || [ package-lock.json -nt "$stamp" ]; then
    echo "setup: npm ci"
    npm ci --no-audit --no-fund --loglevel=error
    touch "$stamp"
  fi
}

# command -> Debian package that brings it
readonly PACKAGES="mariadbd:mariadb-server mariadb-backup:mariadb-backup rsync:rsync haproxy:haproxy nginx:nginx-light pen:pen xinetd:xinetd
  keepalived:keepalived nft:nftables iptables:iptables conntrack:conntrack ab:apache2-utils nc:netcat-openbsd ip:iproute2 tc:iproute2
  pkill:procps curl:curl openssl:openssl systemd-socket-activate:systemd setpriv:util-linux"

missing_packages() {
  local pair
  for pair in $PACKAGES; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || echo "${pair#*:}"
  done
  [ -e /usr/lib/galera/libgalera_smm.so ] || echo galera-4
  compgen -G '/usr/lib/nginx/modules/ngx_stream_module.so' >/dev/null || echo libnginx-mod-stream
}

# Prints the packages that are missing, one a line (the test lab asks).
setup_missing() {
  missing_packages | sort -u
}

setup_system() {
  local missing
  missing=$(setup_missing | tr '\n' ' ')
  [ -n "${missing// /}" ] || return 0
  if [ "$(id -u)" -ne 0 ]; then
    echo "setup: not root, so these Debian packages are not installed: $missing" >&2
    return 0
  fi
  echo "setup: apt-get install $missing"
  # No service may start by itself: policy-rc.d answers 101 (forbidden) while the packages are configured.
  local policy=/usr/sbin/policy-rc.d had_policy=no
  [ -e "$policy" ] && had_policy=yes || { printf '#!/bin/sh\nexit 101\n' >"$policy"; chmod 755 "$policy"; }
  local status=0
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing; } >/tmp/sluice-apt.log 2>&1 || status=$?
  [ "$had_policy" = yes ] || rm -f "$policy"
  [ "$status" -eq 0 ] || { tail -n 20 /tmp/sluice-apt.log >&2; echo "setup: apt-get failed; its whole output is in /tmp/sluice-apt.log" >&2; return "$status"; }
}

for part in "${@:-node system}"; do
  for name in $part; do "setup_$name"; done
done
