#!/usr/bin/env bash
#
# run.sh [SCENARIO...]
#
# Builds the Mesos module, loads it as an agent does and drives it through all its interfaces: against the stand-in headers of
# tests/mesos-sdk, once with each of three sanitizers, and against the real thing if cmake/FindMesos.cmake finds one, as
# whoever runs this has said with MESOS_PREFIX and the like.

set -euo pipefail
cd "$(dirname "$0")/../.."
out=${CARGO_TARGET_DIR:-target}/module-test
mkdir -p "$out"
out=$(cd "$out" && pwd)
compiler=${CXX:-c++}

if ! command -v cmake > /dev/null; then
  echo '== The Mesos module: skipped, it needs the package cmake'
  exit 0
fi

echo '== Finding Mesos'
tests/module/find.sh

# ThreadSanitizer has fixed ideas about where memory is, which newer kernels do not share.
fixed=()
if setarch "$(uname -m)" -R true 2> /dev/null; then fixed=(setarch "$(uname -m)" -R); fi

# exports LIBRARY: fails unless it exports the manifests, and nothing else.
exports() {
  local expected found
  expected=$(printf 'com_mesosphere_%s\n' MetricsIsolatorModule MetricsResourceEstimatorModule StatsEnvHook \
    StatsIsolatorModule StatsResourceEstimatorModule)
  found=$(nm -D --defined-only "$1" | awk '{ print $3 }' | sort)
  if [[ $found != "$expected" ]]; then
    printf 'FAILED: %s exports\n%s\ninstead of\n%s\n' "$1" "$found" "$expected"
    exit 1
  fi
  if readelf -d "$1" | grep -q 'NEEDED.*\(mesos\|glog\|protobuf\)'; then
    echo "FAILED: $1 needs libraries that only the agent should choose"
    exit 1
  fi
}

for sanitizer in address undefined thread; do
  echo "== The module with stand-in headers, -fsanitize=$sanitizer"
  export CXXFLAGS="-g -O1 -fno-omit-frame-pointer -fsanitize=$sanitizer"
  if [[ $sanitizer == undefined ]]; then CXXFLAGS+=' -fno-sanitize-recover=all'; fi
  library=$out/libstats-test-$sanitizer.so
  MESOS_INCLUDE_DIR=$PWD/tests/mesos-sdk MESOS_LIBRARY='' cpp/build.sh "$library"
  exports "$library"
  # shellcheck disable=SC2086
  "$compiler" -std=c++11 -Wall -Wextra -Werror $CXXFLAGS -I include -isystem tests/mesos-sdk tests/module/*.cpp \
    -o "$out/host-$sanitizer" -rdynamic -pthread -ldl
  TSAN_OPTIONS="suppressions=$PWD/tests/module/tsan.supp" "${fixed[@]}" "$out/host-$sanitizer" "$library" "$@"
done
unset CXXFLAGS

found=$(cmake -P cmake/FindMesos.cmake)
value() { sed -n "s/^-- $1=//p" <<< "$found"; }
if [[ $(value MESOS_FOUND) != TRUE || -z $(value MESOS_LIBRARY) ]]; then
  echo "== The module with Mesos: skipped, $(value MESOS_MESSAGE)"
  exit 0
fi
echo "== The module with $(value MESOS_MESSAGE)"
library=$out/libstats-slave.so
cpp/build.sh "$library"
exports "$library"
includes=()
IFS=';' read -ra directories <<< "$(value MESOS_INCLUDE_DIRS)"
for directory in "${directories[@]}"; do includes+=(-isystem "$directory"); done
# Of what Mesos is linked with, glog and protobuf among it, the test uses the same.
"$compiler" -std=c++11 -Wall -Wextra -Werror -g -D__STDC_FORMAT_MACROS -I include "${includes[@]}" tests/module/*.cpp \
  -o "$out/host" -rdynamic -pthread -Wl,--copy-dt-needed-entries "$(value MESOS_LIBRARY)" -ldl \
  -Wl,-rpath,"$(dirname "$(value MESOS_LIBRARY)")"
"$out/host" "$library" "$@"
