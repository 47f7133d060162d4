#!/usr/bin/env bash
# Writes what is generated from the modules' api.yaml files: each module's server interface and the web's types.
#   generate.sh DIR      writes below DIR (the repository, or a folder to compare with it)
#   generate.sh --check  generates beside the repository and fails when a committed file differs
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/.cache/node/bin:$PATH

tagged='member product order chat records'
types=web/src/api/schema.gen.ts

generate() {
  local to=$1 module description=.cache/openapi.json
  mkdir -p .cache
  go run ./cmd/apigen -o $description
  for module in $tagged; do
    mkdir -p "$to/modules/$module/internal/api"
    .cache/bin/oapi-codegen -config .tools/oapi-codegen.yaml -include-tags "$module" \
      -o "$to/modules/$module/internal/api/api.gen.go" $description
  done
  mkdir -p "$to/$(dirname $types)"
  web/node_modules/.bin/openapi-typescript $description -o "$to/$types" >/dev/null
}

if [ "${1:-}" != --check ]; then
  generate "${1:?where to: a folder, or --check}"
  exit
fi
fresh=.cache/generated
rm -rf $fresh
generate $fresh
failed=0
while read -r file; do
  diff -u --label "committed $file" --label "generated $file" "$file" "$fresh/$file" | head -n 60 || failed=1
done < <(cd $fresh && find . -type f | sort)
[ $failed = 0 ] || echo "the description and the generated code differ: run 'make generate' and commit what it writes"
exit $failed
