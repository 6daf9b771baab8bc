#!/usr/bin/env bash
# Measures against the real alternative in the same run and prints ratios: bench.sh balancing | classify | distribution | fleet | gate | health | keepalived | kernel | soak | split | split-scale | workers
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:?usage: bench.sh balancing|classify|distribution|fleet|gate|health|keepalived|kernel|soak|split|split-scale|workers}; shift
[ -f "bench/$what.ts" ] || { echo "bench.sh: there is no bench/$what.ts" >&2; exit 2; }
scripts/setup.sh node system
scripts/build.sh
export PATH="$PATH:/usr/sbin:/sbin"
exec node_modules/.bin/bun run "bench/$what.ts" "$@"
