#!/usr/bin/env bash
#
# A real Kafka broker on this machine, for the local stack and for tests: one KRaft node that is reached through
# 127.0.0.1 only. `kafka.sh --help` says how.
#
#   CACHE/kafka-VERSION/   the jars Apache publishes, once all of them are there
#   DIR/server.properties  the broker's configuration, written by every start
#   DIR/data/              what it stores
#   DIR/kafka.log          its log of the last start
#   DIR/kafka.pid          its process, while it runs

set -euo pipefail
umask 022
export LC_ALL=C

readonly self=${0##*/}
readonly version=3.9.1
readonly scala=2.13
readonly slf4j=1.7.36
readonly cache=${KAFKA_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/dcos-stats}
readonly jars=$cache/kafka-$version
readonly heap=${KAFKA_HEAP:-512m}
# A first start formats its storage and takes about 5 s; a machine that is busy compiling needs a multiple.
readonly start_seconds=180
readonly stop_seconds=60

usage() {
  cat <<USAGE
Usage: $self fetch              get Kafka $version through Maven, unless it is in the cache
       $self start DIR PORT     start a broker on 127.0.0.1:PORT with its files in DIR and wait until it is ready
       $self stop DIR           stop that broker and wait until it has ended; what it stored stays

start fetches what is missing, and goes on with what an earlier broker stored in DIR. Topics come into being when
they are first used, with one partition. The node's controller listens on 127.0.0.2, one port higher.

Environment: KAFKA_CACHE, where the jars are kept; now $cache
             KAFKA_HEAP, the most memory Java may use for objects; now $heap
             KAFKA_PROPERTIES, a file with more lines for server.properties, which win
Needed packages (Debian): openjdk-17-jre-headless maven

Exit status: 0 done, or nothing to do; 1 could not; 2 wrong arguments; 3 Java or Maven is missing.
USAGE
}

say() { printf '%s: %s\n' "$self" "$*"; }

die() {
  printf '%s: %s\n' "$self" "$1" >&2
  exit "${2:-1}"
}

require() {
  command -v "$1" >/dev/null || die "$1 is missing; on Debian: apt-get install $2" 3
}

fetch() {
  if [ -d "$jars" ]; then
    say "Kafka $version is in $jars"
    return
  fi
  require java openjdk-17-jre-headless
  require mvn maven
  mkdir -p "$cache"
  # Tests that start at the same moment wait for one download.
  exec 9>"$cache/kafka.lock"
  flock 9
  if [ ! -d "$jars" ]; then
    say "getting Kafka $version through Maven, about 50 MB, to $jars"
    rm -rf "$jars.part"
    mkdir "$jars.part"
    # slf4j-simple writes the log; without it Kafka is silent about what goes wrong.
    cat >"$jars.part/pom.xml" <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>dcos-stats</groupId>
  <artifactId>kafka</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_$scala</artifactId>
      <version>$version</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId>
      <artifactId>slf4j-simple</artifactId>
      <version>$slf4j</version>
    </dependency>
  </dependencies>
</project>
POM
    mvn -B -ntp -q -f "$jars.part/pom.xml" dependency:copy-dependencies \
      -DincludeScope=runtime -DoutputDirectory="$jars.part" ||
      die "Maven could not get Kafka $version; its messages are above"
    mv "$jars.part" "$jars"
    say "got $(find "$jars" -name '*.jar' | wc -l) jars"
  fi
  exec 9>&-
}

# The process of the broker in $1, if it runs. A number left behind by a crash may have gone to another process, so
# its command line must name the directory.
running() {
  local pid
  [ -f "$1/kafka.pid" ] || return 1
  read -r pid <"$1/kafka.pid" || return 1
  [ -r "/proc/$pid/cmdline" ] && tr '\0' '\n' <"/proc/$pid/cmdline" | grep -Fxq -- "$1/server.properties" || return 1
  printf '%s\n' "$pid"
}

# Kafka wants another port for the controller even on another address, where next to nobody else listens.
configure() {
  local controller=$(($2 % 65535 + 1))
  cat >"$1/server.properties" <<PROPERTIES
process.roles=broker,controller
node.id=1
listeners=BROKER://127.0.0.1:$2,CONTROLLER://127.0.0.2:$controller
advertised.listeners=BROKER://127.0.0.1:$2
listener.security.protocol.map=BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=BROKER
controller.listener.names=CONTROLLER
controller.quorum.voters=1@127.0.0.2:$controller
log.dirs=$1/data
num.partitions=1
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
PROPERTIES
  if [ -n "${KAFKA_PROPERTIES-}" ]; then
    cat -- "$KAFKA_PROPERTIES" >>"$1/server.properties"
  fi
}

# Runs class $1 with the rest as its arguments; never returns.
kafka() {
  exec java -Xms64m "-Xmx$heap" -XX:+UseSerialGC -Dorg.slf4j.simpleLogger.showDateTime=true \
    '-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS' -cp "$jars/*" "$@"
}

start() {
  local dir port=$2 pid deadline
  if ! [[ $port =~ ^[1-9][0-9]{0,4}$ ]] || [ "$port" -gt 65535 ]; then
    die "port is '$port', allowed is 1 to 65535" 2
  fi
  require java openjdk-17-jre-headless
  fetch
  mkdir -p "$1"
  dir=$(cd "$1" && pwd)
  if pid=$(running "$dir"); then
    die "a broker already runs in $dir, process $pid; '$self stop $dir' ends it"
  fi
  configure "$dir" "$port"
  if [ ! -f "$dir/data/meta.properties" ]; then
    say "formatting $dir/data"
    (kafka kafka.tools.StorageTool format --config "$dir/server.properties" \
      "--cluster-id=$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=')") >"$dir/kafka.log" 2>&1 || {
      tail -n 20 "$dir/kafka.log" >&2
      die "could not format $dir/data"
    }
  fi
  say "starting Kafka $version on 127.0.0.1:$port, log in $dir/kafka.log"
  # In a process group of its own, so that Ctrl-C in a terminal ends what uses the broker before the broker.
  set -m
  kafka kafka.Kafka "$dir/server.properties" </dev/null >"$dir/kafka.log" 2>&1 &
  set +m
  pid=$!
  printf '%s\n' "$pid" >"$dir/kafka.pid"
  deadline=$((SECONDS + start_seconds))
  until grep -q 'Kafka Server started' "$dir/kafka.log"; do
    if ! kill -0 "$pid" 2>/dev/null; then
      rm -f "$dir/kafka.pid"
      tail -n 20 "$dir/kafka.log" >&2
      die "Kafka ended instead of starting; the end of its log is above"
    fi
    if [ "$SECONDS" -ge "$deadline" ]; then
      stop "$dir"
      die "Kafka was not ready within $start_seconds s, see $dir/kafka.log"
    fi
    sleep 0.2
  done
  say "ready: 127.0.0.1:$port, process $pid"
}

stop() {
  local dir pid deadline
  if ! dir=$(cd "$1" 2>/dev/null && pwd) || ! pid=$(running "$dir"); then
    say "no broker runs in $1"
    return
  fi
  say "stopping process $pid"
  kill "$pid"
  deadline=$((SECONDS + stop_seconds))
  while running "$dir" >/dev/null; do
    if [ "$SECONDS" -ge "$deadline" ]; then
      say "it did not end within $stop_seconds s and is killed"
      kill -9 "$pid"
      deadline=$((SECONDS + stop_seconds))
    fi
    sleep 0.1
  done
  rm -f "$dir/kafka.pid"
  say "stopped"
}

case "${1-} $#" in
  'fetch 1') fetch ;;
  'start 3') start "$2" "$3" ;;
  'stop 2') stop "$2" ;;
  '--help 1' | '-h 1') usage ;;
  *)
    usage >&2
    exit 2
    ;;
esac
