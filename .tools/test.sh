#!/usr/bin/env bash
# Every check and test of the mall, then a summary: each step with its time and verdict, the number of tests and
# the real servers they ran on. A failed step does not stop the others; any failure makes the exit code 1.
# Each step's whole output is kept in .cache/logs.
set -uo pipefail
cd "$(dirname "$0")/.."
export NO_COLOR=1 PATH=$PWD/.cache/node/bin:$PATH:/usr/sbin:/usr/local/sbin
logs=.cache/logs
rm -rf $logs && mkdir -p $logs
started=$SECONDS

# step NAME COMMAND...: runs it, prints its time and verdict, and on failure the end of its output
step() {
  local name=$1 log=$logs/$1.log start=$SECONDS verdict=ok
  shift
  "$@" >"$log" 2>&1 </dev/null || verdict=FAILED
  {
    printf '%-12s %4ds  %s\n' "$name" $((SECONDS - start)) $verdict | tee -a $logs/steps
    [ $verdict = ok ] || tail -n 60 "$log" | sed 's/^/    | /'
  } >&2
  [ $verdict = ok ]
}
task() { step "$1" make --no-print-directory "$2"; }
npm_run() { npm --prefix web run --silent "$1"; }

unformatted() { # fails when gofmt would change a file
  local files
  files=$(find cmd configs modules migrations web -name node_modules -prune -o -name '*.go' -print0 | xargs -0 -r gofmt -l)
  [ -z "$files" ] || { printf "gofmt would change these; run 'make fmt':\n%s\n" "$files"; return 1; }
}

number() { # number LOG PATTERN: the number in the last line of the log that matches, or 0
  sed -nE "s/$2/\1/p" "$logs/$1.log" 2>/dev/null | tail -n 1 | grep . || echo 0
}
version() { # version COMMAND: its version in one line, or that it is missing
  command -v "$1" >/dev/null || { echo "missing, so its tests were skipped"; return; }
  case $1 in nginx) nginx -v 2>&1 ;; *) "$1" --version 2>/dev/null ;; esac | head -n 1
}

task setup setup || { echo "setup failed, so nothing was tested" >&2; exit 1; }
sed -n '/^missing/,$p' $logs/setup.log
task ui ui

# What only reads the tree or waits for nobody runs in two lanes, the Go one and the web's.
{
  task generated generate-check
  task lint-api lint-api # after it: both write .cache/openapi.json
  step gofmt unformatted
  step vet go vet ./...
  task build build
  step lint .cache/bin/golangci-lint run ./...
} &
{
  step web-format npm_run format:check
  step web-types npm_run check
  step web-lint npm_run lint
  step licences .tools/licences.sh --check
  task web-test test-web
} &
wait

# What waits on clocks and connections has the machine to itself.
task go-test test-go
mysqld=${MALL_MYSQLD:-${MALL_SERVERS:-.cache/servers}/mysql/bin/mysqld}
command -v "$mysqld" >/dev/null || mysqld=mysqld
case ${MALL_TEST_DB:-} in mysql) databases=$mysqld ;; mariadb) databases=${MALL_MARIADBD:-mariadbd} ;; *) databases="$mysqld ${MALL_MARIADBD:-mariadbd}" ;; esac
any_of() { local c; for c in "$@"; do ! command -v "$c" >/dev/null || return 0; done; return 1; }
absent=$(
  for c in "${MALL_CHROMIUM:-chromium}" "${MALL_REDIS_SERVER:-redis-server}" nginx; do any_of "$c" || echo "$c"; done
  # shellcheck disable=SC2086 # a list of programs
  any_of $databases || echo "${MALL_TEST_DB:-mysql}"
)
absent=$(echo $absent)
if [ -z "$absent" ] || [ -n "${CI:-}${MALL_REQUIRE_SERVERS:-}" ]; then
  task browser e2e
  task faults faults-short
  task load load-short
else
  echo "browser, faults, load 0s  not run: $absent missing" | tee -a $logs/steps
fi

go_done='^DONE ([0-9]+) tests.*'
go_run=$(number go-test "$go_done")
go_failed=$(number go-test '^DONE .* ([0-9]+) failures?.*')
go_skipped=$(number go-test '^DONE .* ([0-9]+) skipped.*')
web_passed=$(number web-test '^ *Tests .*[^0-9]([0-9]+) passed.*')
web_failed=$(number web-test '^ *Tests .*[^0-9]([0-9]+) failed.*')
browser_passed=$(number browser '^ *([0-9]+) passed.*')
browser_failed=$(number browser '^ *([0-9]+) failed$')
on() { # on SERVER: how many Go tests ran as the subtest of that name, or below it
  grep -cE "\"Action\":\"pass\".*\"Test\":\"[^\"]*/$1[\"/]" .cache/logs/go-test.json 2>/dev/null || true
}
servers() { # each real server that Go tests ran on, as they say themselves, with their number
  sed -nE 's/.*"Package":"([^"]*)","Test":"([^"]*)".*: runs on ([A-Za-z]+ [0-9.]+)\\n.*/\3|\1 \2/p' .cache/logs/go-test.json 2>/dev/null |
    sort -u | cut -d'|' -f1 | uniq -c | awk '{ print "           " $2 " " $3 ": " $1 " Go tests" }'
}
used() { # what the browser test, the faults and the load ran on
  sed -nE 's/^database: private (.*)/\1/p' $logs/{browser,faults,load}.log 2>/dev/null | sort -u | paste -sd, | sed 's/,/, /g'
}
reasons() { # of each failed step, what failed and the first that it said: whoever sees no more than the end must know
  local name
  for name in $(awk '/FAILED/ { print $1 }' $logs/steps); do
    echo "FAILED: $name"
    { grep -E '^=== FAIL|_test\.go:[0-9]+: |^WARNING: DATA RACE|^panic: |^FAIL |^ +[0-9]+\) \[' $logs/$name.log || tail -n 5 $logs/$name.log; } |
      awk '!seen[$0]++' | cut -c 1-160 | head -n 12 | sed 's/^ */  | /'
  done
}
passed=$((go_run - go_failed - go_skipped + web_passed + browser_passed))
failed=$((go_failed + web_failed + browser_failed))
bad_steps=$(grep -c FAILED $logs/steps)

cat <<END

Summary of $(git describe --always --dirty 2>/dev/null || echo 'this tree'), $((SECONDS - started)) s in all; logs in $logs
$(cat $logs/steps)
  Go       $go_run tests with the race detector, $go_failed failed, $go_skipped skipped; $(on sqlite) passed on embedded SQLite
  web      $web_passed unit tests passed, $web_failed failed
  browser  $browser_passed tests passed, $browser_failed failed
  servers  browser, faults and load ran on $(used | grep . || echo nothing)
$(servers)
           browser: $(version chromium)
           proxy: $(version nginx)
$(reasons)
$passed passed, $failed failed, $go_skipped skipped
END
[ "$bad_steps" = 0 ]
