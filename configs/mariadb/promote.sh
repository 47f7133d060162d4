#!/bin/sh
# Makes a MariaDB replica the primary, once it has applied all that it has received: so nothing is lost that a
# semi-synchronous primary has acked (docs/chat.md, P15). The old primary need not answer, and can ack nothing any more.
#
#   promote.sh OPTIONS               with which the mariadb client reaches the replica as a user with all rights, such
#                                    as --defaults-extra-file=/root/replica.cnf
#   PROMOTE_WAIT=600 promote.sh ...  seconds that applying may take; 60 unless it is said
#
# Do not restart the replica before: what it has received and not applied it then throws away.
# When it has succeeded, lead the database's address (a VIP, a name, a proxy) to this server. If it fails, nothing has
# changed but that the replica applies what it has: mend what it says and run it again. If semi-sync had fallen back to
# asynchronous (a timeout was over), what the replica never had is lost: then run `mall epoch renew` at once.
set -eu

fail() { echo "promote: $1" >&2; exit 1; }

# run STATEMENT OPTIONS... runs statements and prints what they answer.
run() {
  statement=$1
  shift
  printf '%s;\n' "$statement" | mariadb "$@" --batch --skip-column-names
}

# look OPTIONS... reads how the replica stands; field NAME gives a part of that.
look() { now=$(printf 'SHOW SLAVE STATUS\\G\n' | mariadb "$@"); }
field() { printf '%s\n' "$now" | sed -n "s/^ *$1: //p"; }

# applied waits until everything is applied that has been received until now.
applied() {
  waited=0
  while :; do
    look "$@"
    received=$(field Gtid_IO_Pos)
    [ -n "$received" ] || fail "the replica has received nothing yet"
    [ "$(run "SELECT MASTER_GTID_WAIT('$received', 1)" "$@")" != 0 ] || return 0
    [ "$(field Slave_SQL_Running)" = Yes ] || fail "applying has stopped: $(field Last_SQL_Error)"
    waited=$((waited + 1))
    [ "$waited" -lt "${PROMOTE_WAIT:-60}" ] ||
      fail "not all is applied after $waited s (SQL_Delay: $(field SQL_Delay) s)"
  done
}

look "$@"
[ -n "$now" ] || fail "this server is no replica"
[ "$(field Using_Gtid)" != No ] || fail "the replica does not go by GTIDs (MASTER_USE_GTID=slave_pos)"
if [ "$(field Slave_SQL_Running)" = No ]; then
  # Whoever starts a replica that goes by GTIDs and of which nothing runs makes it throw away its relay log, to have it
  # sent again by a primary that is gone. So does CHANGE MASTER.
  if [ "$(field Slave_IO_Running)" = No ]; then
    [ "$(run "SELECT MASTER_GTID_WAIT('$(field Gtid_IO_Pos)', 0)" "$@")" = 0 ] ||
      fail "both of the replica's threads are stopped, and not all is applied: to start either throws the rest away.
Apply the relay log by mariadb-binlog, from $(field Relay_Log_File) $(field Relay_Log_Pos) on, then RESET SLAVE ALL."
  else
    run "START SLAVE SQL_THREAD" "$@"
  fi
fi
applied "$@"
run "STOP SLAVE IO_THREAD" "$@" # from here on no COMMIT of the old primary is confirmed
applied "$@"
# Nobody follows this server yet: if it waited for a replica, as the old one did, no COMMIT would come back.
run "STOP SLAVE; RESET SLAVE ALL; SET GLOBAL rpl_semi_sync_master_enabled = OFF; SET GLOBAL read_only = OFF" "$@"
echo "promote: this server is the primary, at $(run 'SELECT @@gtid_current_pos' "$@")"
