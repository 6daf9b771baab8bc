#!/usr/bin/env bash
# Brings a machine that has only Debian 12, Node 20 and npm to where everything in this repository runs.
# Usage: setup.sh [node] [system] [mysql] [missing]   (default: node system mysql). Safe to run again; does nothing where nothing is missing.
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
  keepalived:keepalived nft:nftables iptables:iptables conntrack:conntrack sysbench:sysbench ab:apache2-utils nc:netcat-openbsd ip:iproute2 tc:iproute2
  pkill:procps curl:curl openssl:openssl systemd-socket-activate:systemd setpriv:util-linux"

missing_packages() {
  local pair
  for pair in $PACKAGES; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || echo "${pair#*:}"
  done
  [ -e /usr/lib/galera/libgalera_smm.so ] || echo galera-4
  [ -d /usr/lib/python3/dist-packages/pymysql ] || echo python3-pymysql
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

# A real MySQL beside MariaDB: Debian 12 has none, so the one of Debian's unstable suite is unpacked, with all the libraries it
# needs, into a folder of its own. Nothing of the machine changes. Where it cannot be had, its tests say so and are skipped.
readonly MYSQL_FOLDER=/var/cache/sluice-lab/mysql

setup_mysql() {
  [ ! -x "$MYSQL_FOLDER/root/usr/sbin/mysqld" ] || return 0
  [ "$(id -u)" -eq 0 ] || return 0
  echo "setup: MySQL from Debian unstable, into $MYSQL_FOLDER"
  local folder=$MYSQL_FOLDER.new status=0
  rm -rf "$folder" && mkdir -p "$folder"/{root,apt/lists/partial,apt/archives/partial}
  : >"$folder/apt/status"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian sid main" >"$folder/apt/sources.list"
  local apt=(timeout 300 apt-get -q -y -o "Dir::Etc::sourcelist=$folder/apt/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o "Dir::State=$folder/apt" -o "Dir::State::status=$folder/apt/status" -o "Dir::Cache=$folder/apt"
    -o APT::Install-Recommends=false -o Acquire::Languages=none)
  { "${apt[@]}" update && "${apt[@]}" install --download-only mysql-server-core &&
    find "$folder/apt/archives" -name '*.deb' -exec dpkg-deb -x {} "$folder/root" \; ; } >/tmp/sluice-mysql.log 2>&1 || status=$?
  if [ "$status" -ne 0 ] || [ ! -x "$folder/root/usr/sbin/mysqld" ]; then
    echo "setup: there is no MySQL to be had (see /tmp/sluice-mysql.log); its tests will be skipped" >&2
    rm -rf "$folder"
    return 0
  fi
  rm -rf "$folder/apt" "$MYSQL_FOLDER" && mv "$folder" "$MYSQL_FOLDER"
}

for part in "${@:-node system mysql}"; do
  for name in $part; do "setup_$name"; done
done
