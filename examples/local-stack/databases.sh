# shellcheck shell=bash disable=SC2154
#
# The databases of run.sh, which reads this file: as packaged for Debian, each with a configuration and a data directory of
# its own below the directory $1, on loopback. port is what free_port found.

# Where Debian and others put servers; sbin is not in every user's PATH.
export PATH=$PATH:/usr/sbin:/usr/local/bin

listening() { (: >"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

require_influx() {
  require influxd influxdb
  require curl curl
}

start_influx() {
  local dir=$1 rpc_port
  free_port
  influx_port=$port
  free_port
  rpc_port=$port
  mkdir "$dir/influx"
  cat >"$dir/influx/influx.conf" <<CONF
reporting-disabled = true
bind-address = "127.0.0.1:$rpc_port"
[meta]
dir = "$dir/influx/meta"
[data]
dir = "$dir/influx/data"
wal-dir = "$dir/influx/wal"
[http]
bind-address = "127.0.0.1:$influx_port"
CONF
  start influx influxd -config "$dir/influx/influx.conf"
  await influx 'does not listen' listening "$influx_port"
  say "InfluxDB listens on port $influx_port"
}

influx_query() {
  curl -sS --fail-with-body -G -H 'Accept: application/csv' "http://127.0.0.1:$influx_port/query" \
    --data-urlencode db=stats --data-urlencode epoch=ms --data-urlencode "q=$1"
}

show_influx() {
  local query='select "statsd_emitter.sent.loop_counter", executor_id from metrics order by time desc limit 3'
  printf '\nInfluxDB has %d metrics; %s\n' "$(influx_query 'show field keys from metrics' | tail -n +2 | wc -l)" "$query"
  influx_query "$query" | sed 's/^/    /'
}

require_graphite() {
  require carbon-cache graphite-carbon
  require whisper-fetch python3-whisper
}

start_graphite() {
  local carbon=$1/carbon pickle_port query_port
  free_port
  graphite_port=$port
  free_port
  pickle_port=$port
  free_port
  query_port=$port
  mkdir "$carbon" "$carbon/whisper"
  cat >"$carbon/carbon.conf" <<CONF
[cache]
STORAGE_DIR = $carbon
LOCAL_DATA_DIR = $carbon/whisper
CONF_DIR = $carbon
LOG_DIR = $carbon
PID_DIR = $carbon
USER =
MAX_UPDATES_PER_SECOND = inf
MAX_CREATES_PER_MINUTE = inf
LINE_RECEIVER_INTERFACE = 127.0.0.1
LINE_RECEIVER_PORT = $graphite_port
PICKLE_RECEIVER_INTERFACE = 127.0.0.1
PICKLE_RECEIVER_PORT = $pickle_port
CACHE_QUERY_INTERFACE = 127.0.0.1
CACHE_QUERY_PORT = $query_port
CONF
  printf '[all]\npattern = .*\nretentions = 1s:1h\n' >"$carbon/storage-schemas.conf"
  start graphite carbon-cache --config="$carbon/carbon.conf" --nodaemon start
  await graphite 'does not listen' listening "$graphite_port"
  say "Carbon listens on port $graphite_port"
}

# Time and value of the datapoints in one of Carbon's files. (With --drop=nulls, whisper-fetch gives wrong times.)
whisper_rows() { whisper-fetch "$1" 2>/dev/null | grep -v 'None$'; }

stored() { [ -f "$1" ] && [ -n "$(whisper_rows "$1")" ]; }

show_graphite() {
  local name=local-stack.emitter.emitter-1.statsd_emitter.sent.loop_counter
  local whisper=$1/carbon/whisper file
  file=$whisper/${name//./\/}.wsp
  # It takes datapoints at once and writes its files later.
  await graphite "wrote no $file" stored "$file"
  printf '\nGraphite has %d metrics; the last of %s\n' \
    "$(find "$whisper" -name '*.wsp' -not -path '*/carbon/agents/*' | wc -l)" "$name"
  whisper_rows "$file" | tail -n 3 | sed 's/^/    /'
}
