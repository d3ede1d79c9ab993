#!/usr/bin/env bash
#
# demo-mesos.sh MODULE PROGRAMS
#
# Runs the module, MODULE, in a real Mesos for DEMO_SECONDS (15): a master and an agent on loopback, the collector, and three
# tasks that send StatsD. Shows every second how many datapoints of each container the collector has received. Then ends all
# of it. PROGRAMS is the directory with dcos-stats-collector and statsd-emitter. Mesos is looked for in MESOS_PREFIX, or else in
# /opt/mesos, /usr/local, /usr and /opt/mesosphere.

set -euo pipefail
module=${1:?usage: demo-mesos.sh MODULE PROGRAMS}
programs=${2:?usage: demo-mesos.sh MODULE PROGRAMS}
seconds=${DEMO_SECONDS:-15}
if ! [[ $seconds =~ ^[1-9][0-9]{0,4}$ ]]; then
  echo "DEMO_SECONDS=$seconds: allowed are whole numbers from 1 to 99999" >&2
  exit 1
fi

# mesos NAME...: the path of the first of these programs of Mesos that there is.
mesos() {
  local prefix folder name
  for name; do
    for prefix in ${MESOS_PREFIX:-/opt/mesos /usr/local /usr /opt/mesosphere}; do
      for folder in sbin bin; do
        if [[ -x $prefix/$folder/$name ]]; then
          echo "$prefix/$folder/$name"
          return
        fi
      done
    done
  done
  echo "There is no $1 in ${MESOS_PREFIX:-/opt/mesos, /usr/local, /usr or /opt/mesosphere}." \
    "Install Mesos, for example with ./get-mesos.sh, or set MESOS_PREFIX to where it is; make demo needs none." >&2
  return 1
}

master=$(mesos mesos-master)
agent=$(mesos mesos-agent mesos-slave)
execute=$(mesos mesos-execute)
for file in "$module" "$programs/dcos-stats-collector" "$programs/statsd-emitter"; do
  if [[ ! -f $file ]]; then
    echo "There is no $file; make demo-mesos builds it" >&2
    exit 1
  fi
done
module=$(realpath "$module")
programs=$(realpath "$programs")

directory=$(mktemp -d "${TMPDIR:-/tmp}/demo-mesos.XXXXXX")

# Executors leave the process group of their agent, but all that was started here runs in the directory.
end() {
  local process found=1 round
  for ((round = 0; round < 50 && found; round++)); do
    found=
    for process in /proc/[0-9]*; do
      case $(readlink "$process/cwd" || true) in
        "$directory" | "$directory"/*)
          found=1
          kill -9 "${process#/proc/}" 2>/dev/null || true
          ;;
      esac
    done
  done
  rm -rf "$directory"
}
trap end EXIT
trap 'exit 130' INT TERM

# start NAME COMMAND...: in the background, with its output in files of that name.
start() {
  local name=$1
  shift
  (cd "$directory" && exec "$@" >"$name.out" 2>"$name.log" </dev/null) &
  disown
}

# text NAME PATTERN: waits for a line in NAME's log and prints what the pattern's group matched.
text() {
  local name=$1 pattern=$2 found
  for ((try = 0; try < 600; try++)); do
    found=$(sed -nE "/$pattern/{s/.*$pattern.*/\1/p;q}" "$directory/$name.log")
    if [[ $found ]]; then
      echo "$found"
      return
    fi
    sleep 0.1
  done
  echo "The $name does not come up; its log ends:" >&2
  tail -n 20 "$directory/$name.log" >&2
  return 1
}

start collector "$programs/dcos-stats-collector" --listen 127.0.0.1:0 --http=off --agent-polling=false --host-metrics=false
collector_port=$(text collector 'Listening on .*:([0-9]+)')
echo "Collector on 127.0.0.1:$collector_port"

start master "$master" --ip=127.0.0.1 --port=0 --hostname=localhost --registry=in_memory --allocation_interval=100ms \
  --work_dir="$directory/master-work"
address=$(text master ' started on ([0-9.]+:[0-9]+)')
echo "Master on $address"

cat >"$directory/modules.json" <<END
{"libraries": [{"file": "$module", "modules": [
  {"name": "com_mesosphere_StatsIsolatorModule", "parameters": [
    {"key": "output_collector_port", "value": "$collector_port"},
    {"key": "output_collector_chunk_timeout_seconds", "value": "1"},
    {"key": "state_path_dir", "value": "$directory/state"}]}]}]}
END
start agent "$agent" --master="$address" --ip=127.0.0.1 --port=0 --hostname=localhost --launcher=posix \
  --isolation=posix/cpu,posix/mem,com_mesosphere_StatsIsolatorModule --modules="file://$directory/modules.json" \
  --containerizers=mesos --no-systemd_enable_support --registration_backoff_factor=50ms \
  --resources='cpus:4;mem:1024;disk:1024;ports:[31000-31099]' \
  --work_dir="$directory/agent-work" --runtime_dir="$directory/agent-runtime"
echo "Agent $(text agent 'Registered with master.*given agent ID (.*)') with $module"

for task in slow mixed busy; do
  case $task in
    slow) options='' ;;
    mixed) options='--rate 100' ;;
    busy) options='--rate 2000 --lines-per-datagram 20' ;;
  esac
  start "$task" env LIBPROCESS_IP=127.0.0.1 "$execute" --master="$address" --name="$task" --resources='cpus:0.1;mem:32' \
    --command="exec $programs/statsd-emitter $options"
done

# Counts the datapoints of each task that came since the last time, in `now` and `total`.
declare -A now total=([slow]=0 [mixed]=0 [busy]=0) container=()
exec 3<"$directory/collector.out"
unfinished=
count() {
  local lines task datapoints
  lines=$(cat <&3 && echo .)
  lines=$unfinished${lines%.}
  unfinished=${lines##*$'\n'}
  now=([slow]=0 [mixed]=0 [busy]=0)
  while read -r task datapoints; do
    now[$task]=$datapoints
    total[$task]=$((total[$task] + datapoints))
  done < <(awk 'match($0, /"executor_id","value":"[^"]*"/) {
      task = substr($0, RSTART + 23, RLENGTH - 24)
      datapoints[task] += gsub(/"time_ms":/, "")
    }
    END { for (task in datapoints) print task, datapoints[task] }' <<<"${lines%"$unfinished"}")
}

for ((second = 1; second <= seconds; second++)); do
  sleep 1
  for task in slow mixed busy; do
    if [[ ! ${container[$task]:-} ]]; then
      run=$(find "$directory/agent-work" -path "*/slaves/*/executors/$task/runs/*-*" -type d -print -quit)
      state=$directory/state/containers/${run##*/}
      if [[ $run && -f $state ]]; then
        container[$task]=${run##*/}
        echo "Task $task runs in container ${run##*/} with the endpoint" \
          "$(sed -E 's/.*"statsd_host":"([^"]*)","statsd_port":([0-9]+).*/\1:\2/' "$state")"
      fi
    fi
  done
  count
  printf '%4d s  datapoints/s at the collector:  slow %d  mixed %d  busy %d\n' "$second" "${now[slow]}" "${now[mixed]}" "${now[busy]}"
done

missing=
for task in slow mixed busy; do
  printf '%-6s container %s: %d datapoints\n' "$task" "${container[$task]:-none}" "${total[$task]}"
  if ((total[$task] == 0)); then missing+=" $task"; fi
done
if [[ $missing ]]; then
  echo "Nothing arrived from:$missing" >&2
  tail -n 20 "$directory/agent.log" >&2
  exit 1
fi
