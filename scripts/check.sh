#!/usr/bin/env bash
# The static checks: format and lint, types, import rules (and that the rules bite), dead code, generated files.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh node
export PATH="$PWD/node_modules/.bin:$PATH"
step() { printf '\n== %s\n' "$*"; "$@"; }
step biome ci --error-on-warnings .
step tsc --noEmit
step depcruise --config .dependency-cruiser.cjs src
echo; echo "== the import rules must fail on the fixture"
if depcruise --config .dependency-cruiser.cjs --include-only '^test/boundaries' test/boundaries >/tmp/sluice-boundaries.$$ 2>&1; then
  cat /tmp/sluice-boundaries.$$; rm -f /tmp/sluice-boundaries.$$
  echo "the fixture in test/boundaries breaks the rules, yet dependency-cruiser passed it" >&2; exit 1
fi
for rule in leaf-first hot-path proxy-and-monitor-apart no-cycles; do
  grep -q "$rule" /tmp/sluice-boundaries.$$ || { cat /tmp/sluice-boundaries.$$; echo "rule $rule did not fire on its fixture" >&2; exit 1; }
done
rm -f /tmp/sluice-boundaries.$$
step knip --no-progress
step bun run scripts/generate.ts --check
