#!/usr/bin/env bash
# A cluster of its own, watched by Sluice, and broken one node after another. Ctrl-C ends it and leaves nothing behind.
# --once plays the round once and exits 0 if every expected verdict was seen.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh node system
scripts/build.sh
export PATH="$PATH:/usr/sbin:/sbin"
exec node_modules/.bin/bun run scripts/demo.ts "$@"
