#!/usr/bin/env bash
# fuzz.sh TIME PATTERN: runs each fuzz target of the repository whose name matches, one after the other. What a target finds
# is kept by Go in the package's testdata/fuzz, where every later test run plays it again. Exit code 1 when one failed.
set -uo pipefail
cd "$(dirname "$0")/.."
time=$1 pattern=$2 failed=0 count=0

targets() { # PACKAGE NAME, a line each; only what has some is built
  local packages
  mapfile -t packages < <(grep -rl --include='*_test.go' '^func Fuzz' cmd modules | xargs -r -n 1 dirname | sort -u | sed 's/^/.\//')
  go test -list '^Fuzz' "${packages[@]}" 2>/dev/null | awk '/^Fuzz/ { names[++n] = $1 } /^ok/ { for (i = 1; i <= n; i++) print $2, names[i]; n = 0 }'
}

while read -r package name; do
  [[ $name =~ $pattern ]] || continue
  count=$((count + 1))
  printf '%-60s ' "${package#mall/} $name"
  if output=$(go test -run '^$' -fuzz "^$name\$" -fuzztime "$time" "$package" 2>&1); then
    echo "ok  $(grep -oE 'execs: [0-9]+' <<<"$output" | tail -n 1)"
  else
    echo FAILED
    sed 's/^/    | /' <<<"$output" | tail -n 40
    failed=1
  fi
done < <(targets)
[ $count -gt 0 ] || { echo "no fuzz target matches $pattern" >&2; exit 1; }
exit $failed
