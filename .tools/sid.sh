#!/usr/bin/env bash
# Brings a database server or a Redis onto a Debian whose own release has none of that series: the packages come from Debian's
# sid with apt's own check of their signatures, and are unpacked into a folder, not installed, with the libraries and the
# loader that they were built for. The machine's packages and lists stay as they are, and root is not needed.
#   sid.sh [mysql | mariadb | redis | valkey]    without a name: mysql, which the tests need
# The folder is .cache/servers/NAME; MALL_SERVERS=/some/folder names another place for it, which many clones may share.
# bin/ in it holds what starts the programs. sid carries one version at a time, so what is asked for is the series; the file
# VERSION says which of it came. What is there already is left alone: remove the folder to have the newest.
# Exits 1, with the reason, where it can't be had.
set -euo pipefail
cd "$(dirname "$0")/.."

engine=${1:-mysql} options=
case $engine in
mysql)
  series=9.7 packages='mysql-server-core mysql-client-core mysql-router' # the router is for a group of servers
  programs='usr/sbin/mysqld usr/bin/mysql usr/bin/mysqladmin usr/bin/mysqldump usr/bin/mysqlrouter usr/bin/mysqlrouter_keyring'
  # Built for /usr, so it has to be told where its parts are. --no-defaults comes first where it is given, so these come last.
  options=' --secure-file-priv=NULL --lc-messages-dir="$root/usr/share/mysql" --character-sets-dir="$root/usr/share/mysql/charsets" --plugin-dir="$root/usr/lib/mysql/plugin"'
  ;;
mariadb)
  series=11.8 packages='mariadb-server-core mariadb-server mariadb-client-core' # mariadb-server has the installing script's helpers
  programs='usr/sbin/mariadbd usr/bin/mariadb usr/bin/mariadb-dump usr/bin/my_print_defaults usr/bin/resolveip'
  options=' --lc-messages-dir="$root/usr/share/mysql" --character-sets-dir="$root/usr/share/mysql/charsets" --plugin-dir="$root/usr/lib/mysql/plugin"'
  ;;
redis) series=8 packages='redis-server redis-tools' programs='usr/bin/redis-server usr/bin/redis-cli' ;;
valkey) series=9 packages='valkey-server valkey-tools' programs='usr/bin/valkey-server usr/bin/valkey-cli' ;;
*)
  echo "sid.sh: $engine: want mysql, mariadb, redis or valkey" >&2
  exit 2
  ;;
esac
first=${packages%% *} server=${programs%% *}
server=${server##*/}
place=${MALL_SERVERS:-$PWD/.cache/servers}/$engine

say() { echo "$engine $series: $*"; }
give_up() { say "$*" >&2; exit 1; }

[[ $(cat "$place/VERSION" 2>/dev/null) != "$series".* ]] || exit 0

for tool in apt-get dpkg-deb; do
  command -v $tool >/dev/null || give_up "it comes from Debian's packages, and this machine has no $tool"
done
keyring=$(ls /usr/share/keyrings/debian-archive-keyring.{pgp,gpg} 2>/dev/null | head -n 1) ||
  [ -n "$keyring" ] || give_up "it comes from Debian, and Debian's keys are not here (package debian-archive-keyring)"
# The mirror that this machine's Debian comes from.
mirror=$(apt-get indextargets --format '$(REPO_URI) $(ORIGIN) $(LABEL)' 'Created-By: Packages' 2>/dev/null |
  awk '$2 == "Debian" && $3 == "Debian" { print $1; exit }')
mirror=${mirror:-http://deb.debian.org/debian/}

mkdir -p "$(dirname "$place")"
exec 9>"$place.lock"
flock 9 # clones that share the folder
[[ $(cat "$place/VERSION" 2>/dev/null) != "$series".* ]] || exit 0
work=$place.unfinished
trap 'rm -rf "$work"' EXIT
rm -rf "$work" && mkdir -p "$work"/{lists,archives}/partial "$work/none" "$work/place/root" "$work/place/bin"

echo "deb [signed-by=$keyring] $mirror sid main" >"$work/sources.list"
: >"$work/status" # as if nothing were installed: all libraries come along
cat >"$work/apt.conf" <<END
Dir::Etc::sourcelist "$work/sources.list";
Dir::Etc::sourceparts "$work/none";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "$work/none";
Dir::State "$work";
Dir::State::lists "$work/lists";
Dir::State::status "$work/status";
Dir::Cache "$work";
Dir::Cache::archives "$work/archives";
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "3";
Debug::NoLocking "true";
END
apt() { APT_CONFIG=$work/apt.conf apt-get -qq -y "$@" </dev/null; }

apt -o APT::Update::Error-Mode=any update || give_up "the lists of Debian's sid can't be fetched from $mirror"
version=$(APT_CONFIG=$work/apt.conf apt-cache policy "$first" | awk '/Candidate/ { print $2 }')
version=${version#*:} # without Debian's epoch
[[ $version == "$series".* ]] || give_up "Debian's sid has ${version:-none} for this kind of machine"
say "fetching $version from $mirror"
# shellcheck disable=SC2086 # a list of package names
apt --download-only install $packages || give_up "its packages can't be fetched"
for package in "$work"/archives/*.deb; do
  case ${package##*/} in perl* | libperl* | libdb5* | libgdbm*) continue ;; esac # for scripts that nobody runs here
  dpkg-deb -x "$package" "$work/place/root"
done
rm -rf "$work"/place/root/usr/share/{doc,man,locale}

for program in $programs; do
  name=${program##*/} further=
  [ -e "$work/place/root/$program" ] || give_up "its packages have no $program"
  [ "$name" != "$server" ] || further=$options
  cat >"$work/place/bin/$name" <<END
#!/bin/sh
root=\$(cd "\$(dirname "\$0")/../root" && pwd -P)
for loader in "\$root"/usr/lib/*/ld-linux-*.so.*; do
  exec "\$loader" --library-path "\${loader%/*}:\$root/usr/lib/mysql:\$root/usr/lib/mysqlrouter:\$root/usr/lib/mysql-router" "\$root/$program" "\$@"$further
done
END
  chmod +x "$work/place/bin/$name"
done
# MariaDB's data are made by a script, which looks for the programs in the folder that it is told.
if [ $engine = mariadb ]; then
  script=$work/place/root/usr/bin/mariadb-install-db
  [ -e "$script" ] || give_up "its packages have no mariadb-install-db"
  cat >"$work/place/bin/mariadb-install-db" <<'END'
#!/bin/sh
here=$(cd "$(dirname "$0")" && pwd -P)
exec "$here/../root/usr/bin/mariadb-install-db" "$@" --basedir="$here/../install"
END
  chmod +x "$work/place/bin/mariadb-install-db"
  mkdir -p "$work/place/install"
  ln -s ../bin "$work/place/install/bin"
  ln -s ../bin "$work/place/install/sbin"
  ln -s ../root/usr/share "$work/place/install/share"
  ln -s ../root "$work/place/install/root" # for the programs' starters, which were called by this folder
fi
"$work/place/bin/$server" $([ $engine = mysql ] && echo --no-defaults) --version >"$work/says" 2>&1 ||
  give_up "it does not start here: $(head -n 1 "$work/says")"
echo "$version" >"$work/place/VERSION"
rm -rf "$place" && mv "$work/place" "$place"
say "$version is in $place"
