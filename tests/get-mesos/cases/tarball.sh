# --tarball FILE, the forms of .sha512 files, and what an archive may hold. The mirror is one that never answers.
# shellcheck shell=bash disable=SC2034,SC2154 # the variables are run.sh's

offline() { run --mirror http://127.0.0.1:1 --tarball "$@"; }

test_tarball_needs_a_hash() {
  cp "$archive" here.tar.gz
  offline here.tar.gz
  untouched
  says "there is nothing to check --tarball '$folder/here.tar.gz' by"
  offline here.tar.gz --sha512 "$hash"
  installed
}

test_tarball_is_checked_by_the_hash_beside_it() {
  cp "$archive" 'renamed file.tar.gz'
  cp "$archive.sha512" 'renamed file.tar.gz.sha512'
  offline 'renamed file.tar.gz'
  installed
}

test_tarball_with_a_wrong_hash_is_refused() {
  cp "$archive" here.tar.gz
  printf '%0128d  here.tar.gz\n' 7 >here.tar.gz.sha512
  offline here.tar.gz
  untouched
  says "the SHA-512 of $folder/here.tar.gz is wrong; nothing of it was used"
  says "expected $(printf '%0128d' 7)"
  says "computed $hash"
  there here.tar.gz
}

test_given_hash_wins_over_the_file() {
  cp "$archive" here.tar.gz
  printf '%0128d  here.tar.gz\n' 7 >here.tar.gz.sha512
  offline here.tar.gz --sha512 "$hash"
  installed
}

test_truncated_archive_is_refused() {
  head -c 50000 "$archive" >here.tar.gz
  cp "$archive.sha512" here.tar.gz.sha512
  offline here.tar.gz
  untouched
  says "computed $(hash_of here.tar.gz)"
  offline here.tar.gz --sha512 "$(hash_of here.tar.gz)"
  untouched
  says 'is no whole .tar.gz'
}

test_tree_of_another_archive_is_not_used() {
  run
  rm "$src/mesos-9.9.9/build/.installed"
  echo x | gzip | cat "$archive" - >here.tar.gz
  hash_of here.tar.gz >here.tar.gz.sha512
  offline here.tar.gz
  exits 1
  says "$src/mesos-9.9.9 comes from another archive"
  says "SHA-512 of that one $hash"
  says "rm -rf $src/mesos-9.9.9"
  cp "$archive" here.tar.gz
  cp "$archive.sha512" here.tar.gz.sha512
  offline here.tar.gz
  installed
  steps_are 'configure make install install'
}

# groups_of: in capitals and in groups of eight digits, as gpg --print-md has them.
groups_of() { printf '%s' "${1^^}" | sed 's/......../& /g'; }

test_every_form_of_hash_file_is_read() {
  local form name=mesos-9.9.9.tar.gz groups other
  groups=$(groups_of "$hash")
  other=$(printf '%0128d' 7)
  local -A forms=(
    [gnu]="$hash  $name"$'\n'
    [gnu_without_newline]="$hash  $name"
    [gnu_binary]="$hash *$name"$'\n'
    [gnu_with_folder]="$hash  ./out/$name"$'\n'
    [gnu_windows]="$hash  $name"$'\r\n'
    [gnu_capitals]="${hash^^}  $name"$'\n'
    [gnu_many]="$other  other.tar.gz"$'\n'"$hash  $name"$'\n'"$other  $name.asc"$'\n'
    [bsd]="SHA512 ($name) = $hash"$'\n'
    [openssl]="SHA2-512($name)= $hash"$'\n'
    [gpg]="$name: ${groups:0:63}"$'\n'"               ${groups:63:54}"$'\n'"               ${groups:117}"$'\n'
    [gpg_next_line]="$name:"$'\n'"    ${groups:0:72}"$'\n'"    ${groups:72}"$'\n'
    [gpg_without_name]="${groups:0:81}"$'\n'" ${groups:81}"$'\n'
    [gpg_many]="other: $(groups_of "$other")"$'\n'"$name: $groups"$'\n'
    [bare]="$hash"$'\n'
  )
  cp "$archive" "$name"
  # Stops after the check: the tree is in the way.
  mkdir -p "$src/mesos-9.9.9"
  for form in "${!forms[@]}"; do
    printf '%s' "${forms[$form]}" >"$name.sha512"
    rm -f "$src/$name"
    offline "$name"
    [[ $output == *"SHA-512 of $name is right"* ]] || fail "$form"
  done
}

test_wrong_forms_of_hash_file_are_refused() {
  local form name=mesos-9.9.9.tar.gz other
  other=$(printf '%0128d' 7)
  local -A forms=(
    [empty]=''
    [short]="${hash:1}  $name"
    [long]="${hash}0  $name"
    [sha256]="$(sha256sum "$archive")"
    [not_hex]="g${hash:1}  $name"
    [others]="$hash  a.tar.gz"$'\n'"$other  b.tar.gz"
    [gpg_short]="$name: $(groups_of "${hash:8}")"
  )
  cp "$archive" "$name"
  for form in "${!forms[@]}"; do
    printf '%s' "${forms[$form]}" >"$name.sha512"
    offline "$name"
    [[ $status == 1 && $output == *"holds no SHA-512 for $name"* ]] || fail "$form"
  done
  untouched
}

# pack MEMBER TAR-OPTIONS: an archive of the stand-in and MEMBER, with its right hash, as here.tar.gz.
pack() {
  cp -r "$work/mesos-9.9.9" .
  tar -cPf here.tar mesos-9.9.9
  tar -rPf here.tar "$@"
  gzip -nf here.tar
  hash_of here.tar.gz >here.tar.gz.sha512
}

test_archive_may_not_leave_its_folder() {
  echo trouble >evil
  local name
  for name in mesos-9.9.9/../../evil ../evil "$folder/evil2" mesos-9.9.9.evil mesos-9.9.9-evil/file mesos-9.9.9/..; do
    pack --transform "s|^evil$|$name|" evil
    offline here.tar.gz
    untouched
    says "its member '$name' would not lie in mesos-9.9.9/"
    rm -r "$src"
  done
  absent evil2
}

test_links_may_not_leave_the_folder() {
  local target
  for target in /etc ../../.. ../mesos-9.9.9-other; do
    mkdir mesos-9.9.9
    ln -s "$target" mesos-9.9.9/way-out
    pack mesos-9.9.9/way-out
    offline here.tar.gz
    untouched
    says "its link 'mesos-9.9.9/way-out' leads out of mesos-9.9.9/, to $target"
    rm -r mesos-9.9.9 "$src"
  done
}

test_devices_are_refused() {
  mkdir mesos-9.9.9
  mkfifo mesos-9.9.9/pipe
  pack mesos-9.9.9/pipe
  offline here.tar.gz
  untouched
  says 'a member is neither file, folder nor link: prw'
}

test_snapshot_without_configure_is_refused() {
  mkdir mesos-9.9.9
  touch mesos-9.9.9/bootstrap
  tar -czf here.tar.gz mesos-9.9.9
  offline here.tar.gz --sha512 "$(hash_of here.tar.gz)"
  untouched
  says 'has no configure script'
}

test_tree_of_somebody_else_is_left_alone() {
  mkdir -p "$src/mesos-9.9.9"
  touch "$src/mesos-9.9.9/mine"
  run
  exits 1
  steps_are ''
  says "$src/mesos-9.9.9 exists, but get-mesos.sh did not unpack it"
  there "$src/mesos-9.9.9/mine"
}
