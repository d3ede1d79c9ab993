#!/usr/bin/env bash
#
# The whole road on this machine, all of it real: an emitter, the module without Mesos, the collector, Kafka, and consumers.
# `run.sh --help` says how.
#
#   statsd-emitter --UDP--> dcos-stats-standalone --Avro--> dcos-stats-collector --> Kafka --> dcos-stats-consumer print
#                                   ^                                |                    `--> influx, graphite
#                                   `---- its own counts, over UDP --'

set -euo pipefail
umask 022
export LC_ALL=C

readonly self=${0##*/}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here
readonly needed=(dcos-stats-standalone dcos-stats-collector dcos-stats-consumer statsd-emitter)
# How long a program may take to come up, to end, or to bring out what is on its way. None needs more than some seconds,
# but for a machine that is busy compiling.
readonly patience=120

# shellcheck source=examples/local-stack/databases.sh
. "$here/databases.sh"

usage() {
  cat <<USAGE
Usage: $self [OPTION...]

Starts Kafka, the module without Mesos, the collector, an emitter and a consumer that prints; shows what comes out of
Kafka; and at the end, how much passed each station. The collector sends counts of its own through the stack as well.

  --influx        also an InfluxDB and the consumer for it, and ask it at the end
  --graphite      also a Carbon and the consumer for it, and read its files at the end
  --seconds N     end after N seconds (1 to 86400); otherwise on Ctrl-C, a second one ends at once
  --keep DIR      keep logs, records and databases in DIR, which must be empty or not exist
  --programs DIR  where ${needed[*]}
                  are; otherwise cargo builds them, optimised

Everything listens on loopback only, on ports that are free.
Needed packages (Debian): openjdk-17-jre-headless maven; for --influx influxdb curl; for --graphite graphite-carbon.
A first start gets Kafka through Maven, about 50 MB.

Exit status: 0 all that the emitter sent came out; 1 not all, or could not; 2 wrong arguments; 3 something is not installed.
USAGE
}

say() { printf '%s: %s\n' "$self" "$*"; }

die() {
  printf '%s: %s\n' "$self" "$1" >&2
  exit "${2:-1}"
}

influx='' graphite='' seconds='' keep='' programs=''

arguments() {
  while [ $# != 0 ]; do
    case $1 in
      --influx) influx=yes ;;
      --graphite) graphite=yes ;;
      --seconds | --keep | --programs)
        [ $# -ge 2 ] || die "$1 needs a value; see $self --help" 2
        printf -v "${1#--}" '%s' "$2"
        shift
        ;;
      --help | -h)
        usage
        exit
        ;;
      *) die "there is no option '$1'; see $self --help" 2 ;;
    esac
    shift
  done
  if [ -n "$seconds" ] && ! { [[ $seconds =~ ^[1-9][0-9]{0,4}$ ]] && [ "$seconds" -le 86400 ]; }; then
    die "--seconds is '$seconds', allowed is 1 to 86400" 2
  fi
  if [ -n "$keep" ] && [ -e "$keep" ] && { [ ! -d "$keep" ] || [ -n "$(ls -A "$keep")" ]; }; then
    die "--keep is '$keep', which exists and is no empty directory" 2
  fi
}

require() {
  command -v "$1" >/dev/null || die "$1 is missing; on Debian: apt-get install $2" 3
}

build() {
  local program
  if [ -z "$programs" ]; then
    require cargo 'rustup, then rustup default stable'
    say "building the programs"
    local root=$here/../..
    (cd "$root" && cargo build --release --bins -p dcos-stats -p dcos-stats-collector -p dcos-stats-consumer \
      -p dcos-stats-examples) || die "cannot build the programs; the reason is above"
    programs=${CARGO_TARGET_DIR:-$root/target}/release
  fi
  for program in "${needed[@]}"; do
    [ -x "$programs/$program" ] || die "there is no program $programs/$program; cargo build --bins makes it"
  done
  programs=$(cd "$programs" && pwd)
}

# Puts into port one that nobody uses, below those that the system gives away by itself.
taken=' '
free_port() {
  local hex
  while :; do
    port=$((10240 + RANDOM % 20000))
    printf -v hex ':%04X ' "$port"
    [[ $taken != *" $port "* ]] || continue
    if ! grep -qsF -- "$hex" /proc/net/tcp /proc/net/tcp6 /proc/net/udp /proc/net/udp6; then
      taken+="$port "
      return
    fi
  done
}

declare -A pids=()

# start NAME [VARIABLE=VALUE...] COMMAND...: in the background, with output and log in files of that name. What the caller
# has set for programs of these names is not meant for ours.
start() {
  local name=$1
  shift
  # Now, so that whoever waits for a line in them finds them.
  : >"$dir/$name.out"
  : >"$dir/$name.log"
  # In a process group of its own, so that Ctrl-C in a terminal reaches this script alone, which ends them in order.
  set -m
  env -i PATH="$PATH" HOME="$HOME" RUST_LOG=info "$@" </dev/null >"$dir/$name.out" 2>"$dir/$name.log" &
  set +m
  pids[$name]=$!
}

alive() { kill -0 "${pids[$1]}" 2>/dev/null; }

# failed NAME WHAT: ends everything, with the end of a program's log.
failed() {
  tail -n 15 "$dir/$1.log" >&2
  die "$1 $2; the end of its log is above"
}

check_alive() {
  local name
  for name in "${!pids[@]}"; do
    alive "$name" || failed "$name" 'ended too early'
  done
}

# await NAME WHAT COMMAND...: until the command succeeds.
await() {
  local name=$1 what=$2 deadline=$((SECONDS + patience))
  shift 2
  until "$@"; do
    alive "$name" || failed "$name" 'ended too early'
    [ "$SECONDS" -lt "$deadline" ] || failed "$name" "$what, within $patience s"
    sleep 0.1
  done
}

# end NAME: tells it to end and waits until it has.
end() {
  local deadline=$((SECONDS + patience)) pid=${pids[$1]-}
  [ -n "$pid" ] || return 0
  kill "$pid" 2>/dev/null || true
  while alive "$1"; do
    if [ "$SECONDS" -ge "$deadline" ]; then
      say "$1 does not end and is killed"
      kill -9 "$pid" 2>/dev/null || true
    fi
    sleep 0.05
  done
  unset "pids[$1]"
  wait "$pid" 2>/dev/null || failed "$1" "ended with status $?"
}

# On every way out. After a regular end nothing is left to do but the directory.
cleanup() {
  local status=$? name
  trap '' INT TERM HUP
  for name in "${!pids[@]}"; do
    kill -9 "${pids[$name]}" 2>/dev/null || true
    wait "${pids[$name]}" 2>/dev/null || true
  done
  [ ! -d "$dir/kafka" ] || "$here/kafka.sh" stop "$dir/kafka" >/dev/null || true
  if [ -n "$keep" ]; then
    say "the files are in $dir"
  else
    rm -rf "$dir"
  fi
  exit "$status"
}

# logged NAME TEXT: whether it is in the log.
logged() { grep -qF -- "$2" "$dir/$1.log"; }

# number KEY: the first number with that key in the JSON on stdin, or 0.
number() { sed -nE "s/^.*\"$1\":([0-9]+).*\$/\1/p;T;q" | grep . || echo 0; }

# read_by CONSUMER: how many datapoints it has taken out of Kafka.
read_by() {
  sed -nE 's/.*STATS TOTAL: .*[ ,]datapoints=([0-9]+).*/\1/p' "$dir/$1.log" | tail -n 1 | grep . || echo 0
}

start_consumer() {
  local backend=$1
  shift
  start "$backend-consumer" KAFKA_OVERRIDE_BOOTSTRAP_SERVERS="127.0.0.1:$kafka_port" \
    KAFKA_OVERRIDE_GROUP_ID="local-stack-$backend" KAFKA_TOPIC_POLL_PERIOD_MS=500 STATS_PRINT_PERIOD_MS=500 \
    POLL_TIMEOUT_MS=100 "$@" "$programs/dcos-stats-consumer" "$backend"
  consumers+=("$backend-consumer")
}

# The module's parameters, as an agent reads them. It lets the collector wait for a second only, and gives its own counts
# every three seconds, as the collector does, instead of once a minute.
module_parameters() {
  cat <<JSON
{"libraries": [{"file": "libstats-slave.so", "modules": [{"name": "com_mesosphere_StatsIsolatorModule", "parameters": [
  {"key": "output_collector_port", "value": "$collector_port"},
  {"key": "output_collector_chunk_timeout_seconds", "value": "1"},
  {"key": "container_limit_period_secs", "value": "3"},
  {"key": "state_path_dir", "value": "$dir/state"}]}]}]}
JSON
}

# endpoint CONTAINER: the port the module gave it.
endpoint() { grep -F "\"$1\"" "$dir/module.out" | number statsd_port; }

start_all() {
  free_port
  kafka_port=$port
  "$here/kafka.sh" start "$dir/kafka" "$kafka_port" || exit
  [ -z "$influx" ] || start_influx "$dir"
  [ -z "$graphite" ] || start_graphite "$dir"

  free_port
  collector_port=$port
  free_port
  page_port=$port
  module_parameters >"$dir/modules.json"
  start module "$programs/dcos-stats-standalone" --modules "$dir/modules.json" \
    --container framework_id=local-stack,executor_id=emitter,container_id=emitter-1 \
    --container framework_id=local-stack,executor_id=collector,container_id=collector-1
  await module 'named no endpoints' grep -qF collector-1 "$dir/module.out"
  say "the module listens on ports $(endpoint emitter-1) and $(endpoint collector-1)"

  # As a task of Mesos it would find the two variables in its environment.
  start collector LISTEN="127.0.0.1:$collector_port" HTTP="127.0.0.1:$page_port" AGENT_POLLING=false \
    STATSD_UDP_HOST=127.0.0.1 STATSD_UDP_PORT="$(endpoint collector-1)" STATSD_PERIOD=3 KAFKA_BROKERS="127.0.0.1:$kafka_port" \
    KAFKA_PRODUCE_PERIOD_MS=1000 "$programs/dcos-stats-collector"
  await collector 'does not listen' logged collector 'Listening on'
  say "the collector listens on port $collector_port; http://127.0.0.1:$page_port/ shows what passes it"

  consumers=()
  start_consumer print
  [ -z "$influx" ] || start_consumer influx OUTPUT_HOST=127.0.0.1 OUTPUT_PORT="$influx_port" \
    OUTPUT_DATABASE=stats MEASUREMENT_NAME=metrics
  [ -z "$graphite" ] || start_consumer graphite OUTPUT_HOST=127.0.0.1 OUTPUT_PORT="$graphite_port"

  start emitter STATSD_UDP_HOST=127.0.0.1 STATSD_UDP_PORT="$(endpoint emitter-1)" "$programs/statsd-emitter" --report-json
  await emitter 'sends nothing' logged emitter 'Sending to'
  say "the emitter sends 16 lines a second"
}

# printed TEXT: how many datapoints whose names begin so came out of Kafka.
printed() { (grep -oF "\"name\":\"$1" "$dir/print-consumer.out" || true) | wc -l; }

# Until the time is over or a signal comes, what has come out.
watch() {
  local second=0 now before=0 loops
  trap 'seconds=0' INT TERM HUP
  say "running${seconds:+ for $seconds s}; Ctrl-C ends it"
  while [ -z "$seconds" ] || [ "$second" -lt "$seconds" ]; do
    # Ctrl-C ends the pause too.
    sleep 1 || true
    second=$((second + 1))
    check_alive
    now=$(printed '')
    loops=$(printed statsd_emitter.sent.loop_counter)
    printf '%6d s  out of Kafka: %d datapoints (+%d); the emitter was at loop %d\n' \
      "$second" "$now" $((now - before)) "$loops"
    before=$now
  done
  trap 'exit 130' INT TERM HUP
}

caught_up() { [ "$(read_by "$1")" -ge "$written" ]; }

# Ends the stations, each when nothing can come to it any more.
end_all() {
  local consumer
  say 'ending; what is on its way comes out first'
  end emitter
  end module
  end collector
  balance=$(sed -n 's/.*Final balance: //p' "$dir/collector.log")
  written=$(sed -nE 's/.*"kafka":\{[^{}]*"datapoints_written":([0-9]+).*/\1/p' <<<"$balance" | grep . || echo 0)
  for consumer in "${consumers[@]}"; do
    await "$consumer" "read $(read_by "$consumer") of $written datapoints" caught_up "$consumer"
    end "$consumer"
  done
}

# An example of what came out with names that begin so.
example() { grep -m 1 -F "\"name\":\"$1" "$dir/print-consumer.out" | sed 's/^Record: /    /' | cut -c 1-300 || true; }

summary() {
  local sent came consumer
  sent=$(number lines <"$dir/emitter.out")
  came=$(printed statsd_emitter.)
  printf '\nSome of the records\n'
  example statsd_emitter.
  example dcos.metrics.collector.
  example dcos.metrics.module.
  [ -z "$influx" ] || show_influx
  [ -z "$graphite" ] || show_graphite "$dir"
  printf '\nWhat passed the stations\n'
  printf '  %-18s %8d lines sent\n' emitter "$sent"
  printf '  %-18s %8d lines of containers, %d of its own\n' module "$(tail -n 1 "$dir/module.out" | number lines_received)" \
    "$(tail -n 1 "$dir/module.out" | number lines_generated)"
  printf '  %-18s %8d datapoints received, %d written to Kafka\n' collector "$(number datapoints_received <<<"$balance")" \
    "$written"
  for consumer in "${consumers[@]}"; do
    printf '  %-18s %8d datapoints read from Kafka\n' "$consumer" "$(read_by "$consumer")"
  done
  printf '  of these           %8d of the emitter, %d of the collector, %d of the module\n\n' "$came" \
    "$(printed dcos.metrics.collector.)" "$(printed dcos.metrics.module.)"
  if [ "$came" -lt "$sent" ]; then
    die "$((sent - came)) of $sent lines of the emitter did not come out of Kafka"
  fi
  say "all $sent lines of the emitter came out of Kafka"
}

arguments "$@"
require java openjdk-17-jre-headless
require mvn maven
[ -z "$influx" ] || require_influx
[ -z "$graphite" ] || require_graphite
build
if [ -n "$keep" ]; then
  mkdir -p "$keep"
  dir=$(cd "$keep" && pwd)
else
  dir=$(mktemp -d "${TMPDIR:-/tmp}/dcos-stats-local-stack.XXXXXX")
fi
trap cleanup EXIT
trap 'exit 130' INT TERM HUP
start_all
watch
end_all
summary
