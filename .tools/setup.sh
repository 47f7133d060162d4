#!/usr/bin/env bash
# Installs what the checks need and the machine lacks: with Debian's apt-get when run as root, else it says what to get.
# MySQL comes unpacked into a folder (.tools/sid.sh). Never starts a system service: the tests start private servers of their own.
# Exits 1 when something needed is still missing; a missing real server alone counts only with CI or MALL_REQUIRE_SERVERS set.
set -euo pipefail
cd "$(dirname "$0")/.."

# Each row: command to look for | Debian package | what for | "must", or "server" when tests without it are skipped
wanted='
git|git|version stamp|must
gcc|gcc libc6-dev|the race detector|must
node|nodejs|the web UI and its tests (any from 18 on brings the one that they need)|must
npm|npm|the web UI and its tests|must
mariadbd|mariadb-server|tests on a real MariaDB|server
redis-server|redis-server|tests on a real Redis|server
nginx|nginx|the check of configs/nginx.conf|server
faketime|faketime|faults in which the database has a wrong clock|server
chromium|chromium|the browser test|server
'
PATH=$PATH:/usr/sbin:/usr/local/sbin

missing() { # missing FIELD: that field of every row whose command is absent
  local command package why need
  while IFS='|' read -r command package why need; do
    [ -z "$command" ] || command -v "$command" >/dev/null || case $1 in
      package) echo "$package" ;;
      words) echo "  $command ($need): for $why; Debian package: $package" ;;
      must) [ "$need" = server ] || echo "$command" ;;
    esac
  done <<<"$wanted"
  if [ "$1" = package ] && ! korean_font; then echo fonts-nanum; fi
  if [ "$1" = words ] && ! korean_font; then echo "  a Korean font (server): for screenshots; Debian package: fonts-nanum"; fi
}

korean_font() { ls /usr/share/fonts/truetype/nanum >/dev/null 2>&1 || fc-list :lang=ko 2>/dev/null | grep -q .; }

# Debian's packages start their services as they are installed; policy-rc.d is Debian's way of refusing that.
without_services() {
  local policy=/usr/sbin/policy-rc.d
  if [ -e $policy ]; then mv $policy $policy.before-mall; fi
  trap 'rm -f '$policy'; if [ -e '$policy.before-mall' ]; then mv '$policy.before-mall' '$policy'; fi' EXIT
  printf '#!/bin/sh\nexit 101\n' >$policy && chmod +x $policy
  "$@"
}

install() {
  export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
  apt-get update -qq || echo "apt-get update failed; going on with the lists that are here" >&2
  without_services apt-get install -y -qq --no-install-recommends "$@" </dev/null
}

packages=$(missing package | sort -u | tr '\n' ' ')
if [ -n "$packages" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "installing: $packages"
  # shellcheck disable=SC2086 # a list of package names
  install $packages
fi

failed=0
left=$(missing words)
if [ -n "$left" ]; then
  echo "missing on this machine:"
  echo "$left"
  echo "  install with: apt-get install $(missing package | sort -u | tr '\n' ' ')(as root), or your system's own packages of these programs"
  if [ -n "$(missing must)" ] || [ -n "${CI:-}${MALL_REQUIRE_SERVERS:-}" ]; then failed=1; fi
fi

# Today's MySQL is in no Debian release yet; a MySQL that this machine has of its own serves as well (MALL_MYSQLD names one).
own_mysql() { "${MALL_MYSQLD:-mysqld}" --no-defaults --version 2>/dev/null | grep -vq MariaDB; }
if ! mysql=$(.tools/sid.sh 2>&1) && ! own_mysql; then
  echo "missing on this machine: MySQL (server): for tests on a real MySQL"
  printf '%s\n' "$mysql" | sed 's/^/  /'
  if [ -n "${CI:-}${MALL_REQUIRE_SERVERS:-}" ]; then failed=1; fi
else
  printf '%s' "${mysql:+$mysql$'\n'}"
fi

need_go=$(awk '$1 == "go" { print $2 }' go.mod)
have_go=$(go env GOVERSION 2>/dev/null | sed 's/^go//' || true)
if [ -z "$have_go" ] || [ "$(printf '%s\n%s\n' "$need_go" "$have_go" | sort -V | head -n 1)" != "$need_go" ]; then
  echo "missing: Go $need_go or newer (here: ${have_go:-none}); see https://go.dev/doc/install"
  failed=1
fi
.tools/node.sh || failed=1
exit $failed
