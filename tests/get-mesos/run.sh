#!/usr/bin/env bash
#
# Tests get-mesos.sh against a tiny archive served on loopback: everything is real except Mesos itself, whose place is
# taken by stand-in/. Run with the names of tests to run only those; the last line counts.

set -Eeuo pipefail
export LC_ALL=C

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
get_mesos=$here/../../get-mesos.sh
work=$(mktemp -d)
server=''
end() {
  [[ -z $server ]] || kill "$server"
  rm -rf -- "$work"
}
trap end EXIT

# --- Harness ---------------------------------------------------------------------------------------------------

fail() {
  printf 'line %d: %s\n' "${BASH_LINENO[1]}" "$1"
  [[ -z ${output:-} ]] || printf '%s\n' "$output" | sed 's/^/  > /'
  exit 1
}

# run ARGUMENTS: get-mesos.sh for the stand-in's version, into this test's own prefix.
run() { run_plain 9.9.9 --prefix "$prefix" "$@"; }
run_plain() {
  status=0
  output=$("$get_mesos" "$@" 2>&1) || status=$?
}

exits() { [[ $status == "$1" ]] || fail "exit status $status instead of $1"; }
says() { [[ $output == *"$1"* ]] || fail "does not say: $1"; }
never_says() { [[ $output != *"$1"* ]] || fail "says: $1"; }
there() { [[ -e $1 ]] || fail "$1 is not there"; }
absent() { [[ ! -e $1 ]] || fail "$1 is there"; }
# The steps that were run in this test, such as `configure make install`.
steps_are() {
  local steps=''
  [[ ! -e $STAND_IN_TRACE ]] || steps=$(cut -d ' ' -f 1 "$STAND_IN_TRACE" | paste -sd ' ')
  [[ $steps == "$1" ]] || fail "ran '$steps' instead of '$1'"
}
requests_are() {
  local requests
  requests=$(tail -n "+$((requests_before + 1))" "$work/requests")
  [[ $requests == "$1" ]] || fail "requests were: $requests"
}
installed() {
  exits 0
  says "Mesos 9.9.9 is installed in $prefix"
  [[ $("$prefix/sbin/mesos-agent") == 'mesos 9.9.9' ]] || fail 'the agent does not run'
  absent "$src/mesos-9.9.9.tar.gz.part"
}
untouched() {
  exits 1
  steps_are ''
  absent "$src/mesos-9.9.9"
}

# In a subshell, so that variables and a failure stay in it.
passed=0 failed=0
run_test() {
  local name=$1 result=0
  set +e
  (
    set -e
    folder=$work/$name prefix=$work/$name/prefix src=$work/$name/prefix/src
    export STAND_IN_TRACE=$folder/trace
    mkdir -p "$folder"
    cd "$folder"
    requests_before=$(wc -l <"$work/requests")
    "$name"
  ) >"$work/output" 2>&1
  result=$?
  set -e
  if ((result == 0)); then
    passed=$((passed + 1))
    printf 'ok      %s\n' "$name"
  else
    failed=$((failed + 1))
    printf 'FAILED  %s\n' "$name"
    sed 's/^/  /' "$work/output"
  fi
  rm -rf -- "${work:?}/$name"
}

# --- What is served --------------------------------------------------------------------------------------------

hash_of() { sha512sum <"$1" | cut -d ' ' -f 1; }

site=$work/site
release=$site/9.9.9
archive=$release/mesos-9.9.9.tar.gz
mkdir -p "$release" "$work/tmp" "$work/mesos-9.9.9"
cp -- "$here"/stand-in/{configure,Makefile.in} "$work/mesos-9.9.9"
ln -s configure "$work/mesos-9.9.9/a-link-inside"
head -c 100000 /dev/urandom >"$work/mesos-9.9.9/something-to-download"
tar -czf "$archive" -C "$work" mesos-9.9.9
# shellcheck disable=SC2034 # for the cases
hash=$(hash_of "$archive")
(cd "$release" && sha512sum mesos-9.9.9.tar.gz >mesos-9.9.9.tar.gz.sha512)
# As published: 1.2.3 has a wrong hash, 1.0.0 has none.
mkdir "$site/1.2.3" "$site/1.0.0"
cp "$archive" "$site/1.2.3/mesos-1.2.3.tar.gz"
printf '%0128d  mesos-1.2.3.tar.gz\n' 7 >"$site/1.2.3/mesos-1.2.3.tar.gz.sha512"
cp "$archive" "$site/1.0.0/mesos-1.0.0.tar.gz"

touch "$work/requests"
mkfifo "$work/port"
python3 "$here/archive_server.py" "$site" "$work/requests" >"$work/port" &
server=$!
read -r port <"$work/port"
base=http://127.0.0.1:$port

# Whatever the machine's own settings are, the tests use none of them.
unset "${!STAND_IN_@}" "${!GET_MESOS_@}" CC CFLAGS CXXFLAGS CPPFLAGS LDFLAGS http_proxy all_proxy ALL_PROXY
export TMPDIR=$work/tmp CURL_HOME=$work/tmp CXX=$here/stand-in/compiler
export GET_MESOS_BASE_URL=$base/whole GET_MESOS_MIN_FREE_MB=1

for part in "$here"/cases/*.sh; do
  # shellcheck source=/dev/null
  source "$part"
done

test_nothing_is_left_behind() {
  [[ -z $(ls -A "$work/tmp") ]] || fail "temporary files: $(ls -A "$work/tmp")"
}

if (($#)); then
  tests=("$@")
else
  # In the order in which they are written.
  mapfile -t tests < <(sed -n 's/^\(test_[a-z0-9_]*\)() {$/\1/p' "$here"/cases/*.sh)
fi
for name in "${tests[@]}" test_nothing_is_left_behind; do
  run_test "$name"
done
printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
