#!/usr/bin/env bash
# Every suite on each server that the mall is for, and a table of what came out: `engines.sh` for all, or with words of rows and
# suites, such as `engines.sh mariadb-11.8 go` or `engines.sh mysql faults`. It takes an hour and a half. Newer servers than the machine's own come from
# Debian's sid (.tools/sid.sh). Logs are in .cache/logs/engines. Exits 1 when anything failed.
set -uo pipefail
cd "$(dirname "$0")/.."
export NO_COLOR=1 PATH=$PWD/.cache/node/bin:$PATH:/usr/sbin:/usr/local/sbin MALL_REQUIRE_SERVERS=1
logs=.cache/logs/engines
place=${MALL_SERVERS:-$PWD/.cache/servers}
mkdir -p $logs

rows='mysql-9.7 mariadb-10.11 mariadb-11.8+redis-8 mysql-9.7+valkey-9'
suites='go browser faults load'

wanted() { # wanted NAME WORDS...: whether a word names it, or none is of its kind
  local name=$1 kind=$2 word named=
  for word in $words; do
    case " $kind " in *"$word"*) named=1; [[ $name != *"$word"* ]] || return 0 ;; esac
  done
  [ -z "$named" ]
}
servers() { # servers ROW: the environment that chooses them
  case $1 in
  mysql-9.7) echo MALL_TEST_DB=mysql ;;
  mariadb-10.11) echo MALL_TEST_DB=mariadb ;;
  mariadb-11.8+redis-8) echo "MALL_TEST_DB=mariadb MALL_MARIADBD=$place/mariadb/bin/mariadbd MALL_REDIS_SERVER=$place/redis/bin/redis-server" ;;
  mysql-9.7+valkey-9) echo "MALL_TEST_DB=mysql MALL_REDIS_SERVER=$place/valkey/bin/valkey-server" ;;
  esac
}
run() { # run SUITE: by its make target; the Go tests without the race detector, which `make test` has
  case $1 in
  go) .cache/bin/gotestsum --format pkgname --format-hide-empty-pkg --hide-summary skipped -- -p 4 -timeout 20m -count=1 ./... ;;
  browser) make --no-print-directory e2e ;;
  faults) make --no-print-directory faults-short ;;
  load) make --no-print-directory load-short ;;
  esac
}
count() { # count SUITE LOG: what it says of itself
  case $1 in
  go) sed -nE 's/^DONE //p' "$2" ;;
  browser) grep -E '^ *[0-9]+ (passed|failed|flaky)' "$2" | paste -sd, ;;
  faults) grep -E '^[0-9]+ faults in' "$2" ;;
  load) grep -cE '^[a-z0-9-]+ +[0-9]' "$2" | sed 's/$/ rows/' ;;
  esac | tail -n 1
}

words=$*
case $words in '' | *8* | *9*) for e in mariadb redis valkey; do .tools/sid.sh $e || exit 1; done ;; esac
make --no-print-directory build .cache/bin/gotestsum >$logs/build.log 2>&1 || { tail $logs/build.log; exit 1; }
failed=0
for row in $rows; do
  wanted "$row" "$rows" || continue
  for suite in $suites; do
    wanted "$suite" "$suites" || continue
    log=$logs/$row-$suite.log start=$SECONDS verdict=ok
    # shellcheck disable=SC2046 # a list of variables
    (export $(servers "$row") && run "$suite") >"$log" 2>&1 </dev/null || { verdict=FAILED failed=1; }
    printf '%-22s %-8s %5ds  %-6s  %s\n' "$row" "$suite" $((SECONDS - start)) $verdict "$(count "$suite" "$log")"
  done
done
exit $failed
