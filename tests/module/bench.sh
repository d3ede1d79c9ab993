#!/usr/bin/env bash
#
# bench.sh
#
# Measures what a launch costs the agent: prepare and cleanup of the Mesos module, optimised, against the stand-in headers of
# tests/mesos-sdk.

set -euo pipefail
cd "$(dirname "$0")/../.."
out=${CARGO_TARGET_DIR:-target}/module-test
mkdir -p "$out"
out=$(cd "$out" && pwd)

if ! command -v cmake > /dev/null; then
  echo '== The Mesos module: skipped, it needs the package cmake'
  exit 0
fi
MESOS_INCLUDE_DIR=$PWD/tests/mesos-sdk MESOS_LIBRARY='' CXXFLAGS=-O2 cpp/build.sh "$out/libstats-bench.so" --release
"${CXX:-c++}" -std=c++11 -O2 -I include -isystem tests/mesos-sdk tests/module/*.cpp -o "$out/host-bench" -rdynamic -pthread -ldl
"$out/host-bench" "$out/libstats-bench.so" a_launch_among_a_thousand_containers
