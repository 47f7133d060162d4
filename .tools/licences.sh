#!/usr/bin/env bash
# Writes which licences what is bundled comes under: the Go modules in the program, the packages in the UI's files.
#   licences.sh          writes the two tables of docs/licences.md anew
#   licences.sh --check  fails when they are not what is bundled, or when a licence is not known or not one of those that are fine
# A Go module's licence is recognised by the words of its licence file; a web package names its own.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/.cache/node/bin:$PATH
page=docs/licences.md
fine=' MIT BSD-2-Clause BSD-3-Clause ISC Apache-2.0 MPL-2.0 ' # what the program may be given on with, if these texts go along

recognise() { # recognise FILE...: the licences whose words are in the files
  local text found=
  text=$(cat "$@" | tr -s '[:space:]' ' ')
  add() { found="$found${found:+, }$1"; }
  [[ $text != *'Permission is hereby granted, free of charge'* ]] || add MIT
  [[ $text != *'Apache License'*'Version 2.0'* ]] || add Apache-2.0
  [[ $text != *'Mozilla Public License'*'2.0'* ]] || add MPL-2.0
  if [[ $text = *'Redistribution and use in source and binary forms'* ]]; then
    if [[ $text = *'endorse or promote'* ]]; then add BSD-3-Clause; else add BSD-2-Clause; fi
  fi
  [[ $text != *'Permission to use, copy, modify, and'*'distribute this software'* ]] || add ISC
  echo "${found:-UNKNOWN}"
}

modules() { # a row for each Go module that is compiled into the program
  local path dir
  echo "| Go's standard library and runtime | $(recognise "$(go env GOROOT)/LICENSE") |"
  GOOS=linux GOARCH=amd64 go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Dir}}{{end}}{{end}}' ./cmd/mall | sort -u | while read -r path dir; do
    mapfile -t files < <(find "$dir" -maxdepth 1 -type f \( -iname 'licen[sc]e*' -o -iname 'copying*' \) | sort)
    echo "| $path | $([ ${#files[@]} = 0 ] && echo UNKNOWN || recognise "${files[@]}") |"
  done
}

packages() { # a row for each package of which something is in the UI's files, as their source maps tell
  local out=$PWD/.cache/licences mode name
  rm -rf "$out"
  for mode in production seller; do
    (cd web && node_modules/.bin/vite build --mode $mode --sourcemap --logLevel error --outDir "$out/$mode" --emptyOutDir) >&2
  done
  find "$out" -name '*.map' -print0 | xargs -0 node -e '
    const names = new Set();
    for (const file of process.argv.slice(1))
      for (const source of JSON.parse(require("node:fs").readFileSync(file, "utf8")).sources) {
        const name = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(source)?.[1];
        if (name) names.add(name);
      }
    console.log([...names].sort().join("\n"));' |
    while read -r name; do
      echo "| $name | $(node -p "require('./web/node_modules/$name/package.json').license ?? 'UNKNOWN'") |"
    done
}

written() { # the page with its tables anew
  local table
  while IFS= read -r line; do
    echo "$line"
    case $line in
      '<!-- modules -->') table=$(modules) ;;
      '<!-- packages -->') table=$(packages) ;;
      *) continue ;;
    esac
    printf '\n| what | licence |\n| --- | --- |\n%s\n\n' "$table"
    while IFS= read -r line && [ "$line" != '<!-- end -->' ]; do :; done
    echo '<!-- end -->'
  done <$page
}

fresh=$(mktemp)
trap 'rm -f "$fresh"' EXIT
written >"$fresh"
failed=0
while IFS='|' read -r _ what licences _; do
  [[ $licences =~ ^\ [A-Z] ]] || continue
  for licence in ${licences//,/ }; do
    [[ $fine = *" $licence "* ]] || { echo "$what is under $licence: see whether the program may be given on with it (.tools/licences.sh)"; failed=1; }
  done
done < <(sed -n '/<!-- modules -->/,$p' "$fresh" | grep '^| ' | grep -v '^| what ')
if [ "${1:-}" = --check ]; then
  diff -u --label "$page" --label 'what is bundled' $page "$fresh" || { echo "run 'make licences' and commit what it writes"; failed=1; }
else
  cat "$fresh" >$page
fi
exit $failed
