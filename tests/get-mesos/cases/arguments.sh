# Arguments: what is allowed is said, what is not is refused by name.
# shellcheck shell=bash disable=SC2034,SC2154 # the variables are run.sh's

refuses() {
  local message=$1
  shift
  run_plain --prefix "$prefix" "$@" # so that what is not refused goes there; a later --prefix wins
  exits 2
  says "$message"
  says 'get-mesos.sh --help lists the arguments'
}

test_wrong_arguments_have_a_message_each() {
  refuses 'VERSION is missing'
  refuses "VERSION '1.11' is not a release; allowed are three numbers, such as 1.11.0" 1.11
  refuses "VERSION 'v1.11.0'" v1.11.0
  refuses "VERSION '1.11.0-rc1'" 1.11.0-rc1
  refuses "VERSION '../1.1.0'" ../1.1.0
  refuses "one VERSION is allowed, got '1.0.0' and '1.1.0'" 1.0.0 1.1.0
  refuses "unknown option '--perfix'" 1.0.0 --perfix /x
  refuses '--prefix needs a value' 1.0.0 --prefix
  refuses '--prefix is empty' 1.0.0 --prefix=
  refuses "--prefix '/a b' can't be built in" 1.0.0 --prefix '/a b'
  refuses "--prefix / would put src/ at the root" 1.0.0 --prefix /tmp/..
  refuses "--jobs '0' is not a number from 1 to 9999" 1.0.0 --jobs 0
  refuses "--jobs 'two'" 1.0.0 --jobs=two
  refuses "--sha512 'abc' has 3 characters" 1.0.0 --sha512 ABC
  refuses "--tarball 'no-such-file' is not a file that can be read" 1.0.0 --tarball no-such-file
  refuses "--tarball '.' is not a file" 1.0.0 --tarball .
  refuses "--mirror 'ftp://x' is not a URL; allowed are https:// and http://" 1.0.0 --mirror ftp://x
  refuses "--mirror 'http://mirror.example' is plain http" 1.0.0 --mirror http://mirror.example
  refuses "--mirror 'http://127.0.0.1.example/' is plain http" 1.0.0 --mirror http://127.0.0.1.example/
  refuses "'--prefix=/y' after -- has no effect" 1.0.0 -- --prefix=/y
  GET_MESOS_BASE_URL=nonsense refuses "--mirror 'nonsense' is not a URL" 1.0.0
  [[ ! -s trace ]] || fail 'something was run'
}

test_relative_prefix_is_made_absolute() {
  run_plain 9.9.9 --prefix ./there//../prefix/
  installed
}

test_help_is_printed() {
  run_plain --help
  exits 0
  says 'Usage: get-mesos.sh VERSION [options]'
  local option
  for option in --prefix --jobs --tarball --sha512 --mirror --help GET_MESOS_BASE_URL; do
    says "$option"
  done
}
