#!/usr/bin/env bash
# Runs every test; `test.sh unit` only those that need no built executable, no root and no database.
# Further arguments go to `bun test`: test.sh e2e test/e2e/galera.test.ts
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:-all}; [ $# -eq 0 ] || shift
scripts/setup.sh node
case $what in
  unit) paths=(src test/protocol test/fuzz test/scenarios) ;;
  e2e) scripts/setup.sh system mysql; scripts/build.sh; paths=(test/e2e test/lab) ;;
  all) scripts/setup.sh system mysql; scripts/build.sh; paths=(src test) ;;
  *) echo "usage: test.sh [all|unit|e2e] [bun test arguments]" >&2; exit 2 ;;
esac
export PATH="$PWD/node_modules/.bin:$PATH:/usr/sbin:/sbin"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
if [ $# -gt 0 ]; then set -- "$@"; else
  set --
  for path in "${paths[@]}"; do [ -d "$path" ] && set -- "$@" "./$path"; done
fi
bun test --timeout 60000 "$@" 2>&1 | tee "$log" || status=$?
count() { sed -nE "s/^ *([0-9]+) $1\$/\1/p" "$log" | tail -n 1; }
passed=$(count pass); failed=$(count fail); skipped=$(count skip)
echo
echo "${passed:-0} passed, ${failed:-0} failed, ${skipped:-0} skipped"
[ "${passed:-0}" -gt 0 ] || { echo "no test ran" >&2; exit 1; }
exit "$status"
