#!/usr/bin/env bash
#
# sanitize.sh [SCENARIO...]
#
# Builds the Mesos module for the stand-in headers of tests/mesos-sdk with all of it instrumented, the adapter as well as the
# core, its crates and Rust's standard library, and drives it as run.sh does: with AddressSanitizer (leaks too) and
# UndefinedBehaviorSanitizer, then with ThreadSanitizer. In run.sh only the adapter is instrumented, which is quicker.
#
# The standard library is compiled from its source, the component rust-src. Sanitizers are an unstable feature of rustc, which
# RUSTC_BOOTSTRAP=1 allows with the stable one.

set -euo pipefail
cd "$(dirname "$0")/../.."
target=$(rustc -vV | sed -n 's/^host: //p')
sysroot=$(rustc --print sysroot)
out=${CARGO_TARGET_DIR:-target}/sanitize
mkdir -p "$out"
out=$(cd "$out" && pwd)

skip() {
  echo "== The module with sanitizers: skipped, $1"
  exit 0
}

command -v cmake > /dev/null || skip 'it needs the package cmake'
if [[ ! -e $sysroot/lib/rustlib/src/rust/library/Cargo.lock ]]; then
  rustup component add rust-src > /dev/null 2>&1 || skip 'it needs the component rust-src: rustup component add rust-src'
fi

# ThreadSanitizer has fixed ideas about where memory is, which newer kernels do not share.
fixed=()
if setarch "$(uname -m)" -R true 2> /dev/null; then fixed=(setarch "$(uname -m)" -R); fi

# build RUST-SANITIZER C++-SANITIZERS LINK-OPTION...: $library, and $host, which has the runtime that both languages share.
build() {
  local rust=$1 flags="-g -O1 -fno-omit-frame-pointer -fno-sanitize-recover=all -fsanitize=$2" source objects=()
  shift 2
  library=$out/$rust/libstats-test.so
  host=$out/$rust/host
  CARGO_TARGET_DIR=$out/$rust RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=$rust CXXFLAGS=$flags LDFLAGS=${LIBRARY_LDFLAGS:-} \
    MESOS_INCLUDE_DIR=$PWD/tests/mesos-sdk MESOS_LIBRARY='' \
    cpp/build.sh "$library" -Zbuild-std=std,panic_abort --target "$target"
  for source in tests/module/*.cpp; do
    objects+=("$out/$rust/$(basename "$source").o")
    # shellcheck disable=SC2086
    "${CXX:-c++}" -std=c++11 $flags -I include -isystem tests/mesos-sdk -c "$source" -o "${objects[-1]}"
  done
  "${CXX:-c++}" "${objects[@]}" -o "$host" -rdynamic -pthread -ldl "$@"
}

echo '== All of the module with AddressSanitizer and UndefinedBehaviorSanitizer'
build address address,undefined -fsanitize=address,undefined
"${fixed[@]}" "$host" "$library" "$@"

echo '== All of the module with ThreadSanitizer'
# The runtime is rustc's: what rustc compiles may ask for more than an older C++ compiler's has.
runtime=$(echo "$sysroot/lib/rustlib/$target/lib"/librustc*_rt.tsan.a)
LIBRARY_LDFLAGS=-fno-sanitize=thread build thread thread \
  -Wl,--whole-archive "$runtime" -Wl,--no-whole-archive -lrt -lm -lresolv
TSAN_OPTIONS='halt_on_error=1 atexit_sleep_ms=0' "${fixed[@]}" "$host" "$library" "$@"
