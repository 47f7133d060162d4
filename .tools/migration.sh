#!/usr/bin/env bash
# migration.sh OWNER_WHAT: writes the next pair of migrations, one for MySQL and one for SQLite, under one number. The owner is
# a module with tables of its own (or platform), and its number the next of those that the table `owners` in
# modules/architecture_test.go gives it. Both files are empty: the architecture test fails until they have an Up and a Down.
set -euo pipefail
cd "$(dirname "$0")/.."

name=${1:-} rules=modules/architecture_test.go
give_up() { echo "$*" >&2; exit 1; }
[[ $name =~ ^([a-z]+)_[a-z0-9_]+$ ]] || give_up "NAME is OWNER_WHAT in small letters, such as chat_room_colours (got '$name')"
owner=${BASH_REMATCH[1]}

spans=$(sed -n '/^var owners/,/^}/p' $rules | sed -nE "s/^\t\"$owner\": *\{(.*)\},$/\1/p" | grep -oE '[0-9]+, *[0-9]+' || true)
[ -n "$spans" ] || give_up "$owner owns no tables: the owners are the rows of the table owners in $rules"

# The number after the highest that the owner has used, which has to lie in one of its spans; else the first of the next span.
used=$(find migrations/mysql migrations/sqlite -name "[0-9][0-9][0-9][0-9]_${owner}_*.sql" -printf '%f\n' | sort | tail -n 1 | sed -E 's/^0*([0-9]+)_.*/\1/')
number=
while IFS=', ' read -r first last; do
  next=$((${used:-0} + 1 > first ? ${used:-0} + 1 : first))
  if [ $next -le "$last" ]; then number=$(printf %04d $next); break; fi
done <<<"$spans"
[ -n "$number" ] || give_up "all numbers of $owner are used: give it another span in the table owners in $rules"

for flavour in mysql sqlite; do
  file=migrations/$flavour/${number}_$name.sql
  {
    echo "-- +goose Up"
    [ $flavour = sqlite ] || echo "-- What it is for, and which queries use it. One statement: MySQL commits at each, so another one gets a file of its own."
    [ $flavour = mysql ] || echo "-- The same; what MySQL's types refuse is refused by CHECKs here."
    echo
    echo "-- +goose Down"
  } >"$file"
  echo "wrote $file"
done
