#!/usr/bin/env bash
# Debian's mariadb-test suite, directly and through a service that splits; docs/mtr.md tells what differs and why.
# Usage: test/mtr/run.sh [--protocol=ps|cursor] [TEST…]   (default: every test of test/mtr/tests.txt). Needs root and the package mariadb-test.
set -euo pipefail
cd "$(dirname "$0")/../.."
if ! command -v mariadb-test >/dev/null || [ ! -d /usr/share/mysql/mysql-test/main ]; then
  echo "the package mariadb-test is missing: apt-get install --no-install-recommends mariadb-test" >&2
  exit 2
fi
scripts/setup.sh node
[ -x dist/sluice ] || scripts/build.sh
export PATH="$PWD/node_modules/.bin:$PATH:/usr/sbin:/sbin"
exec bun run test/mtr/compare.ts "$@"
