#!/usr/bin/env bash
# Builds dist/sluice, one standalone executable. Bytecode keeps start-up near 10 ms, which the one-shot commands live from.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh node
mkdir -p dist
version=$(node -p 'require("./package.json").version')
commit=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
node_modules/.bin/bun build --compile --minify-syntax --minify-whitespace --bytecode --splitting --format=esm --production \
  --no-compile-autoload-dotenv --no-compile-autoload-bunfig \
  --define SLUICE_VERSION="\"$version\"" --define SLUICE_COMMIT="\"$commit\"" \
  src/main/sluice.ts --outfile dist/sluice.new >dist/build.log 2>&1 || { cat dist/build.log >&2; exit 1; }
mv dist/sluice.new dist/sluice
echo "built dist/sluice $version ($commit), $(du -m dist/sluice | cut -f1) MB"
