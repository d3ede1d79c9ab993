#!/usr/bin/env bash
#
# Gets a KairosDB through Maven, unless it is in the cache, and prints the directory its jars are in.
#
# Exit status: 0 done; 1 could not; 3 Java or Maven is missing.

set -euo pipefail
umask 022

readonly version=1.3.0-1
# What its package brings and its POM leaves out, in the versions that fit.
readonly jersey=1.19.4
readonly jaxb=2.3.0
readonly cache=${KAIROSDB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/dcos-stats}
readonly jars=$cache/kairosdb-$version

require() {
  command -v "$1" >/dev/null || {
    printf '%s is missing; on Debian: apt-get install %s\n' "$1" "$2" >&2
    exit 3
  }
}

require java openjdk-17-jre-headless
if [ ! -d "$jars" ]; then
  require mvn maven
  mkdir -p "$cache"
  # Tests that start at the same moment wait for one download.
  exec 9>"$cache/kairosdb.lock"
  flock 9
fi
if [ ! -d "$jars" ]; then
  rm -rf "$jars.part"
  mkdir "$jars.part"
  cat >"$jars.part/pom.xml" <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>dcos-stats</groupId>
  <artifactId>kairosdb</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.kairosdb</groupId>
      <artifactId>kairosdb</artifactId>
      <version>$version</version>
      <exclusions>
        <exclusion>
          <groupId>org.gaul</groupId>
          <artifactId>modernizer-maven-plugin</artifactId>
        </exclusion>
      </exclusions>
    </dependency>
    <dependency>
      <groupId>com.sun.jersey.contribs</groupId>
      <artifactId>jersey-guice</artifactId>
      <version>$jersey</version>
    </dependency>
    <dependency>
      <groupId>com.sun.xml.bind</groupId>
      <artifactId>jaxb-core</artifactId>
      <version>$jaxb</version>
    </dependency>
  </dependencies>
</project>
POM
  mvn -B -ntp -q -f "$jars.part/pom.xml" dependency:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$jars.part" >&2 || {
    printf 'Maven could not get KairosDB %s; its messages are above\n' "$version" >&2
    exit 1
  }
  mv "$jars.part" "$jars"
fi
printf '%s\n' "$jars"
