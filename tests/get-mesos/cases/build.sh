# Configuring, building and installing.
# shellcheck shell=bash disable=SC2034,SC2154 # the variables are run.sh's

test_failing_build_shows_its_end_and_goes_on_later() {
  STAND_IN_MAKE_FAILURE='fatal error: sun stands still' run
  exits 1
  says "building Mesos 9.9.9 failed with exit status 2; the end of $src/mesos-9.9.9.log:"
  says '  | g++: fatal error: sun stands still'
  says 'run the same command again: it goes on where it stopped'
  steps_are 'configure make'
  requests_before=$(wc -l <"$work/requests")
  run
  installed
  says 'configuring: done before'
  steps_are 'configure make make install'
  requests_are ''
}

test_failing_configure_names_the_package() {
  STAND_IN_CONFIGURE_FAILURE='no SASL CRAM-MD5 support' run
  exits 1
  says 'configuring Mesos 9.9.9 failed with exit status 1'
  says 'apt-get install libsasl2-modules'
  run
  installed
  steps_are 'configure configure make install'
}

test_lack_of_memory_asks_for_fewer_jobs() {
  STAND_IN_MAKE_FAILURE='fatal error: Killed signal terminated program cc1plus' run --jobs 4
  exits 1
  says 'ran out of memory: try --jobs 2'
}

test_install_without_agent_is_no_success() {
  STAND_IN_NO_AGENT=1 run
  exits 1
  says "'make install' ended well, but $prefix has no sbin/mesos-agent"
  run
  installed
}

test_options_reach_configure_and_may_not_change_silently() {
  CXXFLAGS='-O1 -g' run -- --enable-ssl --with-svn='/a b'
  installed
  grep -qF -- "CXX=$CXX CXXFLAGS=-O1 -g --enable-ssl --with-svn=/a b" "$STAND_IN_TRACE" || fail "$(cat "$STAND_IN_TRACE")"
  run
  exits 1
  says "$src/mesos-9.9.9/build was configured with other options"
  says "rm -rf $src/mesos-9.9.9/build"
  rm -rf "$src/mesos-9.9.9/build"
  run
  installed
  steps_are 'configure make install configure make install'
}

test_another_version_in_the_prefix_is_left_alone() {
  run
  run_plain 1.2.3 --prefix "$prefix"
  exits 1
  says "$prefix already holds Mesos 9.9.9, not 1.2.3"
  says "--prefix $prefix-1.2.3"
}

test_surrounding_make_has_no_influence() {
  DESTDIR=$folder/dest MAKEFLAGS=n run --jobs 2
  installed
  absent "$folder/dest"
}

# Waits for the stand-in's make to have started, and prints its process id.
wait_for_make() {
  local make
  read -r make <waits
  printf '%s' "$make"
}

test_interruption_ends_the_build_and_can_be_resumed() {
  local make
  mkfifo waits
  STAND_IN_MAKE_WAITS=$folder/waits "$get_mesos" 9.9.9 --prefix "$prefix" >first 2>&1 &
  first=$!
  trap 'kill "$first" 2>/dev/null || true' EXIT # also when a check below fails
  make=$(wait_for_make)

  run
  exits 1
  says "another get-mesos.sh is at work in $src"

  kill -TERM "$first"
  status=0
  wait "$first" || status=$?
  output=$(<first)
  exits 143
  says 'interrupted; run the same command again to go on'
  ! kill -0 "$make" 2>/dev/null || fail "make's child $make still runs"
  run
  installed
  steps_are 'configure make make install'
}

test_missing_packages_are_named_together() {
  CXX=no-such-compiler run
  untouched
  says "Mesos can't be built here, missing: no-such-compiler"
  says 'apt-get install g++'
  STAND_IN_MISSING_HEADER=svn_delta.h run
  untouched
  says 'missing: svn_delta.h'
  says 'apt-get install libsvn-dev'
  never_says libapr1-dev
  STAND_IN_MISSING_HEADER=.h run
  says 'apt-get install zlib1g-dev libcurl4-openssl-dev libapr1-dev libsvn-dev libsasl2-dev libsasl2-modules'
}

test_lack_of_space_is_found_early() {
  GET_MESOS_MIN_FREE_MB=999999999 run
  untouched
  says 'MiB free, the build needs about 999999999 MiB'
  requests_are ''
}

test_prefix_that_cannot_be_written_is_named() {
  touch file
  run_plain 9.9.9 --prefix "$folder/file/mesos"
  exits 1
  says "--prefix '$folder/file/mesos' can't be made"
  says 'choose another --prefix'
  run_plain 9.9.9 --prefix /proc/mesos
  exits 1
  says "--prefix '/proc/mesos' can't be made"
}
