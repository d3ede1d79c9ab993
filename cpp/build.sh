#!/usr/bin/env bash
#
# build.sh OUTPUT [CARGO-OPTION...]
#
# Builds the Mesos module, OUTPUT, for the Mesos that cmake/FindMesos.cmake finds; OUTPUT is libstats-slave.so for an agent.
# Cargo's options say how, for example --release. If there is no Mesos, it says so and leaves the module out: no OUTPUT.
# CXX, CXXFLAGS and LDFLAGS are used where set.
#
# The C++ compiler links it, not rustc, which would export all that cxx needs between the two languages. Mesos' symbols stay
# undefined, and no libmesos is named: the agent that loads the module has them.

set -euo pipefail
output=${1:?usage: build.sh OUTPUT [CARGO-OPTION...]}
shift
if [[ $output != /* ]]; then output=$PWD/$output; fi
cd "$(dirname "$0")/.."

if ! found=$(cmake -P cmake/FindMesos.cmake); then
  echo "cpp/build.sh: cmake, which finds Mesos, can't be run; install the package cmake" >&2
  exit 1
fi
rm -f "$output"
if ! grep -q '^-- MESOS_FOUND=TRUE$' <<< "$found"; then
  echo "The Mesos module is left out: $(sed -n 's/^-- MESOS_MESSAGE=//p' <<< "$found")"
  exit 0
fi

archive=$(cargo rustc --package dcos-stats --lib --no-default-features --features module --crate-type staticlib \
  --message-format json-render-diagnostics "$@" |
  grep -o '"[^"]*/libstats_slave\.a"' | tail -n 1 | tr -d '"')

manifests=$(grep -ho 'com_mesosphere_[A-Za-z]*' cpp/*.cpp | sort -u | sed 's/^/-Wl,--undefined=/')
mkdir -p "$(dirname "$output")"
# The library has a thread, and must stay where it is until the process ends.
# shellcheck disable=SC2086
"${CXX:-c++}" -shared -o "$output" ${CXXFLAGS:-} $manifests "$archive" -Wl,--version-script=cpp/exports.map \
  -Wl,--gc-sections -Wl,-z,nodelete -Wl,-z,relro -Wl,-z,now -pthread -ldl -lm ${LDFLAGS:-}
echo "Built $output"
