# Downloading and checking the archive.
# shellcheck shell=bash disable=SC2034,SC2154 # the variables are run.sh's

test_downloads_builds_and_installs() {
  run --jobs 3
  installed
  steps_are 'configure make install'
  grep -q '^make .*-j3' "$STAND_IN_TRACE" || fail "jobs: $(cat "$STAND_IN_TRACE")"
  grep -q "^configure --prefix=$prefix --disable-java --disable-python " "$STAND_IN_TRACE" || fail "$(cat "$STAND_IN_TRACE")"
  says "SHA-512 of mesos-9.9.9.tar.gz is right"
  there "$src/mesos-9.9.9/configure"
  there "$src/mesos-9.9.9/build/Makefile"
  cmp "$archive" "$src/mesos-9.9.9.tar.gz"
  grep -q '== .* building: make -j 3' "$src/mesos-9.9.9.log"
  requests_are "GET /whole/9.9.9/mesos-9.9.9.tar.gz.sha512 -
GET /whole/9.9.9/mesos-9.9.9.tar.gz -"
}

test_does_nothing_the_second_time() {
  run
  installed
  requests_before=$(wc -l <"$work/requests")
  rm "$STAND_IN_TRACE"
  run
  installed
  says 'nothing to do'
  steps_are ''
  requests_are ''
}

test_goes_on_to_the_next_mirror() {
  GET_MESOS_BASE_URL="$base/whole/not-here $base/whole" run
  installed
  rm -rf "$prefix"
  run --mirror "$base/error" --mirror="$base/whole"
  installed
}

test_resumes_what_an_earlier_run_downloaded() {
  mkdir -p "$src"
  head -c 5000 "$archive" >"$src/mesos-9.9.9.tar.gz.part"
  run
  installed
  says 'going on after the 4.9K that are here'
  requests_are "GET /whole/9.9.9/mesos-9.9.9.tar.gz.sha512 -
GET /whole/9.9.9/mesos-9.9.9.tar.gz bytes=5000-"
}

test_resumes_after_a_lost_connection() {
  run --mirror "$base/cut"
  installed
  says 'connection lost'
  requests_are "GET /cut/9.9.9/mesos-9.9.9.tar.gz.sha512 -
GET /cut/9.9.9/mesos-9.9.9.tar.gz -
GET /cut/9.9.9/mesos-9.9.9.tar.gz bytes=$(($(stat -c %s "$archive") / 2))-"
}

test_starts_again_where_a_server_cannot_resume() {
  mkdir -p "$src"
  head -c 5000 "$archive" >"$src/mesos-9.9.9.tar.gz.part"
  run --mirror "$base/no-range"
  installed
  says "the server can't resume a download"
}

test_uses_a_download_that_was_complete() {
  mkdir -p "$src"
  cp "$archive" "$src/mesos-9.9.9.tar.gz.part"
  run
  installed
}

test_uses_an_archive_that_was_checked_but_not_unpacked() {
  run
  rm -rf "$src/mesos-9.9.9" "$prefix/include"
  requests_before=$(wc -l <"$work/requests")
  run
  installed
  requests_are ''
}

test_refuses_a_partial_download_of_something_else() {
  mkdir -p "$src"
  head -c 5000 /dev/zero >"$src/mesos-9.9.9.tar.gz.part"
  run
  untouched
  says "rm $src/mesos-9.9.9.tar.gz.part"
  rm "$src/mesos-9.9.9.tar.gz.part"
  run
  installed
}

test_refuses_a_wrong_hash_and_names_both() {
  run_plain 1.2.3 --prefix "$prefix"
  untouched
  says "the SHA-512 of $src/mesos-1.2.3.tar.gz.part is wrong; nothing of it was used"
  says "expected $(printf '%0128d' 7)"
  says "computed $hash"
  cmp "$archive" "$src/mesos-1.2.3.tar.gz.part"
  absent "$src/mesos-1.2.3"
  run_plain 1.2.3 --prefix "$prefix"
  untouched
  says "computed $hash"
}

test_refuses_an_archive_changed_after_its_check() {
  run
  rm -rf "$src/mesos-9.9.9" "$prefix/include" "$STAND_IN_TRACE"
  echo x >>"$src/mesos-9.9.9.tar.gz"
  run
  untouched
  says "the SHA-512 of $src/mesos-9.9.9.tar.gz is wrong"
}

test_refuses_a_release_without_hash() {
  run_plain 1.0.0 --prefix "$prefix"
  untouched
  says 'Mesos 1.0.0 has no .sha512'
  says '--sha512 HASH'
  absent "$src/mesos-1.0.0.tar.gz.part"
}

test_takes_the_hash_from_the_command_line() {
  run_plain 1.0.0 --prefix "$prefix" --sha512 "$(printf '%0128d' 1)"
  untouched
  says "expected $(printf '%0128d' 1)"
  # Right hash, but the archive is 9.9.9's: the next check refuses it.
  run_plain 1.0.0 --prefix "$prefix" --sha512 "${hash^^}"
  says "its member 'mesos-9.9.9/' would not lie in mesos-1.0.0/"
  rm "$site/9.9.9/mesos-9.9.9.tar.gz.sha512"
  run --sha512 "$hash"
  printf '%s  mesos-9.9.9.tar.gz\n' "$hash" >"$site/9.9.9/mesos-9.9.9.tar.gz.sha512"
  installed
}

test_says_when_there_is_no_such_release() {
  run_plain 4.0.4 --prefix "$prefix"
  untouched
  says "there is no Mesos 4.0.4; looked for:"
  says "$base/whole/4.0.4/mesos-4.0.4.tar.gz"
  run_plain 4.0.4 --prefix "$prefix" --sha512 "$hash"
  untouched
  says "there is no Mesos 4.0.4"
}

test_says_when_no_mirror_answers() {
  run --mirror "$base/error" --mirror http://127.0.0.1:1
  untouched
  says "$base/error/9.9.9/mesos-9.9.9.tar.gz.sha512: curl: (22)"
  says 'http://127.0.0.1:1/9.9.9/mesos-9.9.9.tar.gz.sha512: curl: (7)'
  says 'use --tarball mesos-9.9.9.tar.gz'
}

test_refuses_a_hash_file_without_a_hash() {
  mkdir "$site/5.0.0"
  echo '<html>Sign in to the hotel network' >"$site/5.0.0/mesos-5.0.0.tar.gz.sha512"
  run_plain 5.0.0 --prefix "$prefix"
  untouched
  says 'holds no SHA-512 for mesos-5.0.0.tar.gz; it begins: <html>Sign in'
}
