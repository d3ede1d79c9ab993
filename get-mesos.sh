#!/usr/bin/env bash
#
# Downloads a release of Apache Mesos, checks it, builds it and installs it. `get-mesos.sh --help` says how.
#
# Every step leaves its mark where its result lies, so that removing the result also makes the step run again:
#
#   PREFIX/src/mesos-VERSION.tar.gz.part   what has been downloaded so far
#   PREFIX/src/mesos-VERSION.tar.gz        the archive, once its SHA-512 has been found right
#   PREFIX/src/mesos-VERSION/.unpacked     the SHA-512 of the archive this tree came from
#   PREFIX/src/mesos-VERSION/build/.configured, .built, .installed
#                                          the options of ./configure with which the step was done
#   PREFIX/src/mesos-VERSION.log           the output of the last run

set -Eeuo pipefail
shopt -s inherit_errexit
umask 022
export LC_ALL=C
# What a surrounding `make` or a shell profile may have left must not reach Mesos' own build.
unset MAKEFLAGS MFLAGS MAKELEVEL DESTDIR TAR_OPTIONS CDPATH

readonly self=${0##*/}
readonly default_prefix=/opt/mesos
# The first has only the newest release of each branch, the second has all of them.
readonly default_mirrors='https://downloads.apache.org/mesos https://archive.apache.org/dist/mesos'
# A full build tree of a 1.x release with both kinds of library, in MiB.
readonly default_space=8192

usage() {
  cat <<USAGE
Usage: $self VERSION [options] [-- CONFIGURE-OPTIONS]

Downloads mesos-VERSION.tar.gz from the Apache Software Foundation, checks its SHA-512, builds it and installs it.
Whatever was done before is not done again: run the same command to go on after an interruption or a failure.

  VERSION           a release, such as 1.11.0
  --prefix DIR      where to install; default $default_prefix. The archive, the source and build tree and the log
                    stay in DIR/src (mesos-VERSION.tar.gz, mesos-VERSION/, mesos-VERSION.log)
  --jobs N          compile N files at a time; default: the number of processors. Each takes up to 2 GiB of memory
  --tarball FILE    use FILE and no network. Its SHA-512 is read from FILE.sha512 unless --sha512 is given
  --sha512 HASH     the SHA-512 the archive must have, instead of the one published beside it
  --mirror URL      download from URL/VERSION/mesos-VERSION.tar.gz and .sha512; may be given again for a second
                    choice. A plain http mirror on another machine needs --sha512
  --help            this text

CONFIGURE-OPTIONS are added to those for Mesos' ./configure, for example: -- --enable-ssl --enable-libevent
Environment: CC, CXX, CFLAGS, CXXFLAGS, CPPFLAGS and LDFLAGS are passed to ./configure when set;
GET_MESOS_BASE_URL holds mirrors, separated by spaces, for when no --mirror is given;
GET_MESOS_MIN_FREE_MB is the free space asked for before building, default $default_space.

Needed packages (Debian and Ubuntu): g++ make patch curl zlib1g-dev libcurl4-openssl-dev libapr1-dev libsvn-dev
libsasl2-dev libsasl2-modules

Exit status: 0 installed, or already was; 1 could not; 2 wrong arguments.
USAGE
}

say() { printf '%s\n' "$*"; }

# Each argument is one line.
die() {
  printf '%s: %s\n' "$self" "$1" >&2
  shift
  if (($#)); then printf '  %s\n' "$@" >&2; fi
  exit 1
}

wrong_usage() {
  printf '%s: %s\n' "$self" "$1" >&2
  printf '  %s --help lists the arguments\n' "$self" >&2
  exit 2
}

# --- Arguments -------------------------------------------------------------------------------------------------

version='' prefix=$default_prefix jobs='' tarball='' given_hash='' mirrors=() more_options=()

parse_arguments() {
  local argument value
  while (($#)); do
    argument=$1
    shift
    case $argument in
      --help | -h) usage && exit 0 ;;
      --) more_options=("$@") && break ;;
      --prefix=* | --jobs=* | --tarball=* | --sha512=* | --mirror=*)
        value=${argument#*=} argument=${argument%%=*}
        ;;
      --prefix | --jobs | --tarball | --sha512 | --mirror)
        (($#)) || wrong_usage "$argument needs a value"
        value=$1
        shift
        ;;
      -*) wrong_usage "unknown option '$argument'" ;;
      *)
        [[ -z $version ]] || wrong_usage "one VERSION is allowed, got '$version' and '$argument'"
        version=$argument
        continue
        ;;
    esac
    [[ -n $value ]] || wrong_usage "$argument is empty"
    case $argument in
      --prefix) prefix=$value ;;
      --jobs) jobs=$value ;;
      --tarball) tarball=$value ;;
      --sha512) given_hash=$value ;;
      --mirror) mirrors+=("$value") ;;
    esac
  done
}

check_arguments() {
  [[ -n $version ]] || wrong_usage "VERSION is missing, for example: $self 1.11.0"
  [[ $version =~ ^[0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4}$ ]] ||
    wrong_usage "VERSION '$version' is not a release; allowed are three numbers, such as 1.11.0 (no 'v', no '-rc1')"

  [[ $prefix == /* ]] || prefix=$PWD/$prefix
  [[ $prefix =~ ^/[A-Za-z0-9_./+@-]+$ ]] ||
    wrong_usage "--prefix '$prefix' can't be built in; allowed are letters, digits and _ . / + @ - (autoconf's rule)"
  # FindMesos.cmake and the marks compare paths as text: `..`, `//` and a slash at the end have to go.
  prefix=$(realpath -ms -- "$prefix")
  [[ $prefix != / ]] || wrong_usage "--prefix / would put src/ at the root of the file system; name a folder"

  jobs=${jobs:-$(nproc)}
  [[ $jobs =~ ^[1-9][0-9]{0,3}$ ]] || wrong_usage "--jobs '$jobs' is not a number from 1 to 9999"

  given_hash=${given_hash,,}
  [[ $given_hash =~ ^([0-9a-f]{128})?$ ]] ||
    wrong_usage "--sha512 '$given_hash' has ${#given_hash} characters; a SHA-512 has 128 hexadecimal digits"

  [[ -z $tarball || (-f $tarball && -r $tarball) ]] || wrong_usage "--tarball '$tarball' is not a file that can be read"
  ((${#mirrors[@]})) || read -ra mirrors <<<"${GET_MESOS_BASE_URL:-$default_mirrors}"
  local mirror
  for mirror in "${mirrors[@]}"; do
    [[ $mirror =~ ^https?://[^/] ]] || wrong_usage "--mirror '$mirror' is not a URL; allowed are https:// and http://"
    # Whoever can alter the archive on its way over http can alter its .sha512 as well.
    [[ $mirror =~ ^https: || $mirror =~ ^http://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]+)?(/|$) || -n $given_hash ]] ||
      wrong_usage "--mirror '$mirror' is plain http, so its .sha512 proves nothing; use https or give --sha512 HASH"
  done

  local option
  for option in "${more_options[@]}"; do
    [[ $option != --prefix* ]] || wrong_usage "'$option' after -- has no effect on $self; use --prefix before it"
  done
}

# --- Long work -------------------------------------------------------------------------------------------------

child=''
stop() {
  if [[ -n $child ]]; then
    kill -TERM "$child" 2>/dev/null || true
    wait "$child" 2>/dev/null || true
  fi
  printf '%s: interrupted; run the same command again to go on\n' "$self" >&6
  exit "$1"
}

size_of() {
  local size
  size=$(du -h --apparent-size -- "$1" 2>/dev/null) || size=0
  printf '%s' "${size%%[[:space:]]*}"
}
last_line_of() { tail -c 2000 -- "$1" 2>/dev/null | tail -n 1 | tr -cd '[:print:]' | cut -c "1-$((${COLUMNS:-100} - 40))"; }

# Until its stdin is closed: a line that is rewritten each second on a terminal, a line a minute in a log.
show_progress() {
  local title=$1 probe=$2 file=$3 started=$SECONDS every=60 before='' after=$'\n' status elapsed
  if [[ -t 1 ]]; then every=1 before=$'\r\e[K' after=''; fi
  while true; do
    status=0
    read -rt "$every" || status=$?
    ((status > 128)) || break
    elapsed=$((SECONDS - started))
    printf '%s  %s, %d:%02d min: %s%s' "$before" "$title" $((elapsed / 60)) $((elapsed % 60)) "$("$probe" "$file")" "$after"
  done
  printf '%s' "$before"
}

# attend TITLE PROBE FILE COMMAND...: runs COMMAND; `PROBE FILE` prints how far it has come. In the background, because
# bash handles a signal only after a command in the foreground has ended, which here can be an hour.
attend() {
  local title=$1 probe=$2 file=$3 status=0 progress
  shift 3
  exec 8> >(trap - ERR && show_progress "$title" "$probe" "$file" >&7 2>/dev/null)
  progress=$!
  "$@" </dev/null 6>&- 7>&- 8>&- &
  child=$!
  wait "$child" || status=$?
  child=''
  exec 8>&-
  wait "$progress" 2>/dev/null || true
  return "$status"
}

# --- Checks before work ----------------------------------------------------------------------------------------

installed_version() {
  sed -n 's/^#define MESOS_VERSION "\(.*\)"$/\1/p' "$prefix/include/mesos/version.hpp" 2>/dev/null || true
}

# A prefix holds one Mesos: headers of one release beside the library of another crash the agent.
check_other_version() {
  local there
  there=$(installed_version)
  [[ -z $there || $there == "$version" ]] ||
    die "$prefix already holds Mesos $there, not $version" "choose another place, for example --prefix $prefix-$version"
}

check_build_options() {
  [[ ! -e $build/.configured || $(<"$build/.configured") == "$options_text" ]] ||
    die "$build was configured with other options" "then: $(<"$build/.configured")" "now:  $options_text" \
      "to build with the new ones: rm -rf $build, then run the same command again"
}

is_installed() {
  [[ -e $build/.installed && $(<"$build/.installed") == "$options_text" && $(installed_version) == "$version" ]] &&
    [[ -x $prefix/sbin/mesos-agent || -x $prefix/sbin/mesos-slave ]]
}

prepare_prefix() {
  local answer
  answer=$(mkdir -p -- "$src" 2>&1) ||
    die "--prefix '$prefix' can't be made: ${answer#mkdir: }" "run as a user who may write there, or choose another --prefix"
  [[ -w $prefix && -w $src ]] ||
    die "--prefix '$prefix' is not writable for user $(id -un)" "run as a user who may write there, or choose another --prefix"
  # Locks the folder itself and so leaves no file behind. The build inherits it: the lock ends with the last process.
  exec 9<"$src"
  flock --nonblock 9 || die "another $self is at work in $src" "wait until it has ended"
}

missing=() packages=()
need_command() {
  command -v "$1" >/dev/null || { missing+=("$1") && packages+=("$2"); }
}

need_header() {
  local compiler
  read -ra compiler <<<"${CXX:-g++}"
  command -v "${compiler[0]}" >/dev/null || return 0 # reported already, and then every header would seem missing
  "${compiler[@]}" -x c++ -E -I/usr/include/apr-1.0 -I/usr/include/apr-1 -I/usr/include/subversion-1 - \
    <<<"#include <$1>" >/dev/null 2>&1 || { missing+=("$1") && packages+=("$2"); }
}

check_build_packages() {
  local compiler
  read -ra compiler <<<"${CXX:-g++}"
  need_command "${compiler[0]}" g++
  need_command make make
  need_command patch patch
  need_header zlib.h zlib1g-dev
  need_header curl/curl.h libcurl4-openssl-dev
  need_header apr_pools.h libapr1-dev
  need_header svn_delta.h libsvn-dev
  need_header sasl/sasl.h 'libsasl2-dev libsasl2-modules'
  [[ -n $tarball ]] || need_command curl curl
  ((${#missing[@]} == 0)) ||
    die "Mesos can't be built here, missing: ${missing[*]}" "on Debian and Ubuntu: apt-get install ${packages[*]}"
}

check_space() {
  local needed=${GET_MESOS_MIN_FREE_MB:-$default_space} free
  [[ $needed =~ ^[0-9]{1,9}$ ]] || die "GET_MESOS_MIN_FREE_MB '$needed' is not a number of MiB"
  free=$(($(df -Pk -- "$src" | awk 'NR == 2 { print $4 }') / 1024))
  ((free >= needed)) ||
    die "$src has $free MiB free, the build needs about $needed MiB" \
      "free some, choose a --prefix on a larger disk, or set GET_MESOS_MIN_FREE_MB if you know better"
}

# --- The archive -----------------------------------------------------------------------------------------------

# published_hash FILE NAME: the SHA-512 that FILE gives for NAME, in any of the forms found beside Apache's releases:
# `HASH  NAME` (GNU), `SHA512 (NAME) = HASH` (BSD), `NAME: 8F3A... ...` over several lines (gpg), or the bare HASH.
published_hash() {
  local file=$1 name=$2 line hashes=() names=() found='' i
  while IFS= read -r line || [[ -n $line ]]; do
    line=${line%$'\r'}
    if [[ $line =~ ^\\?([0-9A-Fa-f]{128})([[:space:]]+\*?(.*))?$ ]]; then
      hashes+=("${BASH_REMATCH[1]}") names+=("${BASH_REMATCH[3]:-}")
    elif [[ $line =~ ^SHA(2-)?512[[:space:]]*\((.*)\)[[:space:]]*=[[:space:]]*([0-9A-Fa-f]{128})[[:space:]]*$ ]]; then
      hashes+=("${BASH_REMATCH[3]}") names+=("${BASH_REMATCH[2]}")
    elif [[ $line =~ ^([^:]+):([0-9A-Fa-f[:space:]]*)$ ]]; then
      hashes+=("${BASH_REMATCH[2]//[[:space:]]/}") names+=("${BASH_REMATCH[1]}")
    elif [[ $line =~ ^[[:space:]]*[0-9A-Fa-f][0-9A-Fa-f[:space:]]*$ ]]; then
      ((${#hashes[@]})) || { hashes=('') && names=(''); }
      hashes[-1]+=${line//[[:space:]]/}
    fi
  done < <(head -c 65536 -- "$file" | tr -d '\0')

  for i in "${!hashes[@]}"; do
    if [[ ${names[i]##*/} == "$name" ]]; then found=${hashes[i]}; fi
  done
  # A single entry may have another name: the file can have been renamed since.
  if [[ -z $found && ${#hashes[@]} == 1 ]]; then found=${hashes[0]}; fi
  [[ $found =~ ^[0-9A-Fa-f]{128}$ ]] || return 1
  printf '%s' "${found,,}"
}

# read_hash FILE NAME ORIGIN: sets `expected`, or refuses.
read_hash() {
  expected=$(published_hash "$1" "$2") ||
    die "$3 holds no SHA-512 for $2; it begins: $(head -c 60 -- "$1" | tr -c '[:print:]' ' ')" \
      "if you have the right one from a source you trust: --sha512 HASH"
}

# verify FILE ADVICE: nothing of an archive is unpacked or run before this has returned.
verify() {
  local actual
  actual=$(sha512sum <"$1")
  actual=${actual%% *}
  [[ $actual == "$expected" ]] ||
    die "the SHA-512 of $1 is wrong; nothing of it was used" "expected $expected" "computed $actual" "$2"
}

# fetch TITLE URL FILE [curl options]: returns curl's exit status; sets http_status and curl_says.
fetch() {
  local title=$1 url=$2 file=$3 status=0 protocols='=https'
  shift 3
  if [[ $url == http:* ]]; then protocols='=http,https'; fi
  attend "$title" size_of "$file" curl --silent --show-error --fail --location --proto "$protocols" \
    --connect-timeout 20 --speed-limit 1000 --speed-time 60 --output "$file" --write-out '%{http_code}' "$@" "$url" \
    >"$scratch/status" 2>"$scratch/curl" || status=$?
  http_status=$(<"$scratch/status") curl_says=$(head -n 1 "$scratch/curl")
  return "$status"
}

no_answer() {
  die "no mirror could be read:" "$@" \
    "on a machine without internet: bring $archive_name and $archive_name.sha512 here and use --tarball $archive_name"
}

no_release() {
  die "there is no Mesos $version; looked for:" "${mirrors[@]/%//$version/$archive_name}" \
    "all releases are listed at https://archive.apache.org/dist/mesos/"
}

find_published_hash() {
  local mirror url trouble=()
  for mirror in "${mirrors[@]}"; do
    url=$mirror/$version/$archive_name.sha512
    if fetch "reading $url" "$url" "$scratch/sha512" --max-filesize 65536; then
      read_hash "$scratch/sha512" "$archive_name" "$url"
      return
    fi
    [[ $http_status == 404 ]] || trouble+=("$url: $curl_says")
  done
  ((${#trouble[@]} == 0)) || no_answer "${trouble[@]}"
  for mirror in "${mirrors[@]}"; do
    url=$mirror/$version/$archive_name
    if fetch "looking for $url" "$url" /dev/null --head; then
      die "Mesos $version has no .sha512 (Apache publishes them since 2018, Mesos 1.6.0), so $self will not use it by itself" \
        "check $url by its .asc with gpg and https://downloads.apache.org/mesos/KEYS," \
        "then give what sha512sum prints for the file you checked: --sha512 HASH"
    fi
  done
  no_release
}

# Leaves the whole archive in $part; goes on with what is there from an earlier run.
download() {
  local mirror url attempt status trouble=()
  for mirror in "${mirrors[@]}"; do
    url=$mirror/$version/$archive_name
    if [[ -s $part ]]; then
      say "downloading $url, going on after the $(size_of "$part") that are here"
    else
      say "downloading $url"
    fi
    for attempt in {1..10}; do
      status=0
      fetch downloading "$url" "$part" --continue-at - --max-filesize 1G || status=$?
      case $status:$http_status in
        0:*) return ;;
        22:416) return ;; # nothing after what is here (newer curl says 0); the SHA-512 tells whether it is right
        22:404) continue 2 ;;
        23:*) die "$part could not be written: ${curl_says#curl: }" ;;
        33:*)
          say "  the server can't resume a download; starting at the beginning"
          rm -f -- "$part"
          ;;
        18:* | 28:* | 52:* | 55:* | 56:* | 92:*)
          say "  connection lost (${curl_says#curl: }); attempt $((attempt + 1)) goes on after $(size_of "$part")"
          sleep $((attempt - 1))
          ;;
        *) break ;;
      esac
    done
    trouble+=("$url: $curl_says")
  done
  ((${#trouble[@]} == 0)) || no_answer "${trouble[@]}"
  no_release
}

# Leaves the checked archive in $archive and its SHA-512 in `expected`.
obtain_archive() {
  expected=$given_hash
  if [[ -n $tarball ]]; then
    if [[ -z $expected ]]; then
      [[ -e $tarball.sha512 ]] ||
        die "there is nothing to check --tarball '$tarball' by: no $tarball.sha512 and no --sha512" \
          "get https://archive.apache.org/dist/mesos/$version/$archive_name.sha512, or give --sha512 HASH"
      read_hash "$tarball.sha512" "${tarball##*/}" "$tarball.sha512"
    fi
    verify "$tarball" "bring it here again, or name the right VERSION"
    cp -- "$tarball" "$part" 2>"$scratch/cp" || die "'$tarball' could not be copied: $(<"$scratch/cp")"
  elif [[ -e $archive && -e $archive.sha512 ]]; then
    [[ -n $expected ]] || read_hash "$archive.sha512" "$archive_name" "$archive.sha512"
    verify "$archive" "to download it again: rm $archive, then run the same command again"
    return
  else
    [[ -n $expected ]] || find_published_hash
    download
  fi
  # For a --tarball too: what is unpacked is the copy.
  verify "$part" "to download it again: rm $part, then run the same command again; if that ends here too, do not use it"
  printf '%s  %s\n' "$expected" "$archive_name" >"$archive.sha512"
  mv -- "$part" "$archive"
  say "SHA-512 of $archive_name is right: ${expected:0:16}..."
}

# The SHA-512 says that the archive is the one that was asked for, not that it stays in its own folder.
refuse_strange_members() {
  local member
  tar --list --gzip --file "$archive" >"$scratch/members" 2>"$scratch/tar" ||
    die "$archive is no whole .tar.gz: $(head -n 1 "$scratch/tar")" "rm $archive and get it anew"
  while IFS= read -r member; do
    [[ $member/ == "mesos-$version/"* && /$member/ != */../* ]] ||
      die "$archive was not unpacked: its member '$member' would not lie in mesos-$version/"
  done <"$scratch/members"
  tar --list --verbose --gzip --file "$archive" >"$scratch/members"
  if member=$(grep -m 1 '^[^-dlh]' "$scratch/members"); then
    die "$archive was not unpacked: a member is neither file, folder nor link: $member"
  fi
}

unpack() {
  local fresh=$tree.unpacking link
  [[ ! -e $tree ]] || die "$tree exists, but $self did not unpack it" "move it away, then run the same command again"
  say "unpacking into $tree"
  refuse_strange_members
  rm -rf -- "$fresh"
  mkdir -- "$fresh"
  tar --extract --gzip --file "$archive" --directory "$fresh" --no-same-owner --no-same-permissions 2>"$scratch/tar" ||
    die "$archive could not be unpacked into $fresh: $(head -n 1 "$scratch/tar")"
  fresh=$(realpath -- "$fresh")
  while IFS= read -rd '' link; do
    [[ $(realpath -m -- "$link") == "$fresh/mesos-$version"/* ]] ||
      die "$archive is not used: its link '${link#"$fresh/"}' leads out of mesos-$version/, to $(readlink -- "$link")"
  done < <(find "$fresh" -type l -print0)
  [[ -x $fresh/mesos-$version/configure ]] ||
    die "$archive has no configure script" "it is no release archive of Mesos; a snapshot of the repository can't be used"
  printf '%s\n' "$expected" >"$fresh/mesos-$version/.unpacked"
  mv -- "$fresh/mesos-$version" "$tree"
  rmdir -- "$fresh"
}

# The tree of an earlier run serves only the same archive.
check_unpacked() {
  local there wanted=$given_hash
  there=$(<"$tree/.unpacked")
  if [[ -n $tarball && -z $wanted ]]; then
    wanted=$(sha512sum <"$tarball")
    wanted=${wanted%% *}
  fi
  [[ -z $wanted || $wanted == "$there" ]] ||
    die "$tree comes from another archive" "SHA-512 of that one $there" "SHA-512 of yours    $wanted" \
      "to begin anew: rm -rf $tree, then run the same command again"
}

# --- Building --------------------------------------------------------------------------------------------------

likely_cause() {
  case $1 in
    *'No space left on device'*) say "  The disk of $src is full." ;;
    *'Killed signal'* | *'Killed (program'* | *'virtual memory exhausted'* | *'annot allocate memory'*)
      say "  The compiler ran out of memory: try --jobs $(((jobs + 1) / 2)), or add swap."
      ;;
    *CRAM-MD5*) say "  Mesos needs the CRAM-MD5 plugin of SASL: apt-get install libsasl2-modules" ;;
  esac
}

# step MARK TITLE COMMAND...: unless done, runs COMMAND in the build folder, output to the log.
step() {
  local mark=$1 title=$2 status=0 end
  shift 2
  if [[ -e $build/.$mark ]]; then
    say "$title: done before"
    return
  fi
  say "$title (log: $log)"
  printf '== %(%F %T)T %s: %s\n' -1 "$title" "$*" >>"$log"
  cd -- "$build"
  # shellcheck disable=SC2094 # what is read is only shown
  attend "$title" last_line_of "$log" "$@" >>"$log" 2>&1 || status=$?
  cd -- "$src"
  if ((status)); then
    end=$(tail -n 30 -- "$log")
    {
      printf '%s: %s Mesos %s failed with exit status %d; the end of %s:\n' "$self" "$title" "$version" "$status" "$log"
      printf '%s\n' "$end" | sed 's/^/  | /'
      likely_cause "$end"
      printf '  Remove the cause, then run the same command again: it goes on where it stopped.\n'
    } >&2
    exit 1
  fi
  printf '%s\n' "$options_text" >"$build/.$mark"
}

build_and_install() {
  mkdir -p -- "$build"
  : >"$log"
  step configured configuring ../configure "${options[@]}"
  step built building make -j "$jobs"
  step installed installing make install
  is_installed || {
    rm -f -- "$build/.installed"
    die "'make install' ended well, but $prefix has no sbin/mesos-agent and include/mesos/version.hpp of $version" "see $log"
  }
}

say_installed() {
  say "Mesos $version is installed in $prefix (source and build tree: $tree)"
  say "to build the module for it: make MESOS_PREFIX=$prefix"
}

main() {
  parse_arguments "$@"
  check_arguments

  src=$prefix/src tree=$src/mesos-$version build=$tree/build log=$src/mesos-$version.log
  archive_name=mesos-$version.tar.gz archive=$src/$archive_name part=$archive.part
  # -O2, because it is there to be run; module-dependencies are the headers of boost, glog and protobuf that a module
  # needs. A release that does not know one of them only warns.
  options=(--prefix="$prefix" --disable-java --disable-python --disable-werror --enable-optimize
    --enable-install-module-dependencies)
  local variable
  for variable in CC CXX CFLAGS CXXFLAGS CPPFLAGS LDFLAGS; do
    if [[ -n ${!variable:-} ]]; then options+=("$variable=${!variable}"); fi
  done
  options+=("${more_options[@]}")
  options_text=${options[*]@Q}

  check_other_version
  check_build_options
  if is_installed; then
    say_installed
    say "nothing to do"
    return
  fi

  # Progress and traps speak to the reader even while a command's output goes to the log.
  exec 6>&2 7>&1
  scratch=$(mktemp -d)
  trap 'rm -rf -- "$scratch"' EXIT
  trap 'stop 130' INT
  trap 'stop 143' TERM
  trap 'stop 129' HUP
  trap 'printf "%s: line %d failed unexpectedly: %s\n" "$self" "$LINENO" "$BASH_COMMAND" >&6' ERR

  [[ -z $tarball ]] || tarball=$(realpath -- "$tarball")
  check_build_packages
  prepare_prefix
  if [[ ! -e $build/.built ]]; then check_space; fi
  if [[ -e $tree/.unpacked ]]; then
    check_unpacked
  else
    obtain_archive
    unpack
  fi
  build_and_install
  say_installed
}

main "$@"
