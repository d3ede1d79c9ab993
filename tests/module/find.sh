#!/usr/bin/env bash
#
# Tests what cmake/FindMesos.cmake finds, and says when it finds nothing.

set -euo pipefail
cd "$(dirname "$0")/../.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
unset MESOS_INCLUDE_DIR MESOS_LIBRARY MESOS_PREFIX MESOS_SOURCE_DIR MESOS_BUILD_DIR

# tree DIR VERSION: what is in an include directory of Mesos and of what it includes.
tree() {
  local header
  for header in process/future.hpp stout/option.hpp mesos/mesos.pb.h mesos/version.hpp glog/logging.h \
    google/protobuf/message.h boost/version.hpp picojson.h curl/curl.h rapidjson/rapidjson.h; do
    mkdir -p "$(dirname "$1/$header")"
    touch "$1/$header"
  done
  printf '#define MESOS_VERSION "%s"\n' "$2" > "$1/mesos/version.hpp"
}

# expect NAME TEXT INPUT...: with these inputs, the finder's NAME has the text.
expect() {
  local name=$1 text=$2 found
  shift 2
  found=$(env "$@" cmake -P cmake/FindMesos.cmake | sed -n "s/^-- $name=//p")
  if [[ $found != *"$text"* ]]; then
    printf 'FAILED  %s: %s is "%s", not "%s"\n' "$*" "$name" "$found" "$text"
    exit 1
  fi
  printf 'passed  %s: %s\n' "${*//$scratch/}" "${found//$scratch/}"
}

tree "$scratch/prefix/include" 1.8.1
mkdir -p "$scratch/prefix/lib/mesos/3rdparty/include"
touch "$scratch/prefix/lib/libmesos.so"
expect MESOS_FOUND TRUE MESOS_PREFIX="$scratch/prefix"
expect MESOS_VERSION 1.8.1 MESOS_PREFIX="$scratch/prefix"
expect MESOS_LIBRARY "$scratch/prefix/lib/libmesos.so" MESOS_PREFIX="$scratch/prefix"
expect MESOS_MESSAGE "Mesos 1.8.1, headers in $scratch/prefix/include, library" MESOS_PREFIX="$scratch/prefix"

# What Mesos brings along goes before what the system has.
mv "$scratch/prefix/include/boost" "$scratch/prefix/lib/mesos/3rdparty/include"
expect MESOS_INCLUDE_DIRS "$scratch/prefix/include;$scratch/prefix/lib/mesos/3rdparty/include" \
  MESOS_PREFIX="$scratch/prefix"

expect MESOS_LIBRARY /lib/libmesos.so MESOS_INCLUDE_DIR="$scratch/prefix/include" MESOS_LIBRARY=/lib/libmesos.so
expect MESOS_VERSION 0.0.0-stand-in MESOS_INCLUDE_DIR="$PWD/tests/mesos-sdk"

# A tree of get-mesos.sh: what is generated is in build/, bundled libraries in directories with their versions.
tree "$scratch/source/build/include" 1.11.0
mkdir -p "$scratch/source"/{include/mesos,3rdparty/stout/include,3rdparty/libprocess/include} \
  "$scratch/source/build/3rdparty/boost-1.65.0" "$scratch/source/build/src/.libs"
mv "$scratch/source/build/include/boost" "$scratch/source/build/3rdparty/boost-1.65.0"
mv "$scratch/source/build/include/stout" "$scratch/source/3rdparty/stout/include"
touch "$scratch/source/build/src/.libs/libmesos.so"
expect MESOS_VERSION 1.11.0 MESOS_SOURCE_DIR="$scratch/source"
expect MESOS_INCLUDE_DIRS "$scratch/source/build/3rdparty/boost-1.65.0" MESOS_SOURCE_DIR="$scratch/source"
expect MESOS_LIBRARY "$scratch/source/build/src/.libs/libmesos.so" MESOS_SOURCE_DIR="$scratch/source"

expect MESOS_MESSAGE "no mesos/version.hpp was found (looked in MESOS_PREFIX=$scratch/none)" MESOS_PREFIX="$scratch/none"
rm "$scratch/prefix/include/mesos/mesos.pb.h"
expect MESOS_MESSAGE 'has no mesos/mesos.pb.h: its headers are not installed, or it is not built yet' \
  MESOS_PREFIX="$scratch/prefix"

# On a machine that has it the package can't be missing.
tree "$scratch/lacking" 1.11.0
rm "$scratch/lacking/picojson.h"
if [[ -e /usr/include/picojson.h || -e /usr/local/include/picojson.h ]]; then
  expect MESOS_FOUND TRUE MESOS_INCLUDE_DIR="$scratch/lacking"
else
  expect MESOS_MESSAGE 'includes picojson.h, which is missing: install libpicojson-dev' \
    MESOS_INCLUDE_DIR="$scratch/lacking"
fi

# Without cmake, or without Mesos, the build says so in a sentence.
output=$(MESOS_PREFIX=$scratch/none cpp/build.sh "$scratch/libstats-slave.so")
[[ $output == 'The Mesos module is left out: no mesos/version.hpp was found'* && ! -e $scratch/libstats-slave.so ]] ||
  { echo "FAILED  $output"; exit 1; }
mkdir "$scratch/bin"
for tool in bash dirname; do ln -s "$(command -v $tool)" "$scratch/bin/$tool"; done
if output=$(PATH=$scratch/bin cpp/build.sh "$scratch/libstats-slave.so" 2>&1); then
  echo 'FAILED  a build without cmake'
  exit 1
fi
[[ $output == *'install the package cmake'* ]] || { echo "FAILED  $output"; exit 1; }
echo 'passed  the build without Mesos and without cmake'
