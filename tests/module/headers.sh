#!/usr/bin/env bash
#
# headers.sh DIR...
#
# Compiles the adapter against the headers of several releases of Mesos. Each DIR is one: an installed prefix, or the sources
# of a release with what its build generates (version.hpp and *.pb.h), be it in DIR, in DIR/include or in DIR/build/include.
# Any warning is an error. CXX and STANDARDS ("c++11 c++14 c++17") say how.

set -euo pipefail
if (($# == 0)); then
  echo 'usage: headers.sh DIR...' >&2
  exit 2
fi
roots=()
for root; do roots+=("$(cd "$root" && pwd)"); done
cd "$(dirname "$0")/../.."
out=${CARGO_TARGET_DIR:-target}/module-headers
mkdir -p "$out"

# The bridge's C++ side is generated when the module is built, here for the stand-in headers.
MESOS_INCLUDE_DIR=$PWD/tests/mesos-sdk cpp/build.sh "$out/libstats-test.so" --quiet > "$out/build.log"
bridge=$(find "${CARGO_TARGET_DIR:-target}/debug/build" -path '*/out/cxxbridge/crate' -printf '%T@ %h\n' |
  sort -n | tail -n 1 | cut -d ' ' -f 2-)

failed=0
for root in "${roots[@]}"; do
  if [[ -d $root/3rdparty ]]; then
    found=$(MESOS_SOURCE_DIR=$root cmake -P cmake/FindMesos.cmake)
  else
    found=$(MESOS_PREFIX=$root cmake -P cmake/FindMesos.cmake)
  fi
  value() { sed -n "s/^-- $1=//p" <<< "$found"; }
  if [[ $(value MESOS_FOUND) != TRUE ]]; then
    echo "FAILED  $root: $(value MESOS_MESSAGE)"
    failed=1
    continue
  fi
  includes=()
  IFS=';' read -ra directories <<< "$(value MESOS_INCLUDE_DIRS)"
  for directory in "${directories[@]}"; do includes+=(-isystem "$directory"); done
  for standard in ${STANDARDS:-c++11}; do
    result=passed
    for file in cpp/*.cpp; do
      "${CXX:-c++}" "-std=$standard" -fsyntax-only -Wall -Wextra -Werror -D__STDC_FORMAT_MACROS \
        -I include -I "$bridge/include" -I "$bridge/crate" "${includes[@]}" "$file" || result=FAILED
    done
    if [[ $result == FAILED ]]; then failed=1; fi
    echo "$result  Mesos $(value MESOS_VERSION), $standard"
  done
done
exit $failed
