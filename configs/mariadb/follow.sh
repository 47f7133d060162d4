#!/bin/sh
# Makes a MariaDB server the replica of a primary: the old primary, once another was promoted and it is back, or a new
# server.
#
#   PRIMARY_HOST=db2 PRIMARY_PORT=3306 COPIER=copier COPIER_PASSWORD=... follow.sh OPTIONS
#
# OPTIONS are those with which the mariadb client reaches the server, as a user with all rights. An old primary is
# started with init_rpl_role=SLAVE among its options: it then throws away what it had written down and not committed.
# (Only where another was promoted: one that stays the primary would throw away what its replica has.) What it has
# committed and the new primary never had, since it had gone on alone, it cannot throw away: this ends with code 3.
# Then stop it, empty its data folder (mariadb-install-db), start it, and make it anew from a copy:
#
#   COPY=1 PRIMARY_OPTIONS=--defaults-extra-file=/root/primary.cnf PRIMARY_HOST=... follow.sh OPTIONS
#
# Once it follows: SET GLOBAL rpl_semi_sync_master_enabled = ON on the primary, whose COMMITs wait for it from then on.
set -eu

fail() { echo "follow: $1" >&2; exit "${2:-1}"; }

run() {
  statement=$1
  shift
  printf '%s;\n' "$statement" | mariadb "$@" --batch --skip-column-names
}

look() { now=$(printf 'SHOW SLAVE STATUS\\G\n' | mariadb "$@"); }
field() { printf '%s\n' "$now" | sed -n "s/^ *$1: //p"; }

if [ -n "${COPY:-}" ]; then
  run "RESET MASTER" "$@"
  # shellcheck disable=SC2086 # a list of options
  {
    mariadb-dump ${PRIMARY_OPTIONS:-} --all-databases --single-transaction --gtid --master-data=1 --flush-privileges \
      --routines --events ||
      echo 'the copy is not complete;' # which is no SQL, and so ends what reads it
  } | mariadb "$@" --init-command='SET sql_log_bin = 0'
else
  run "STOP SLAVE; SET GLOBAL gtid_slave_pos = @@gtid_binlog_pos" "$@"
fi
run "STOP SLAVE; CHANGE MASTER TO MASTER_HOST = '$PRIMARY_HOST', MASTER_PORT = ${PRIMARY_PORT:-3306},
  MASTER_USER = '$COPIER', MASTER_PASSWORD = '$COPIER_PASSWORD', MASTER_CONNECT_RETRY = 1, MASTER_USE_GTID = slave_pos;
  START SLAVE" "$@"
waited=0
until look "$@" && [ "$(field Slave_IO_Running)" = Yes ] && [ -n "$(field Master_Log_File)" ]; do
  [ "$(field Last_IO_Errno)" != 1236 ] ||
    fail "the server has what the primary has not, and must be made anew from a copy: $(field Last_IO_Error)" 3
  waited=$((waited + 1))
  [ "$waited" -lt 30 ] || fail "no replication after $waited s: $(field Last_IO_Error)"
  sleep 1
done
echo "follow: this server follows $PRIMARY_HOST:${PRIMARY_PORT:-3306} from $(field Gtid_IO_Pos)"
