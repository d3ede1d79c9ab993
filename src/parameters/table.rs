//! All settings, in one table: names, kinds, defaults and explanations of both eras. Reading, the messages and the
//! documentation come from it, so a new parameter is a new entry here and its use in `assemble.rs`.

use super::kind::{Check, Choice, Flag, Integer, Ip, Text, integer};
use super::{Annotation, TagOrder};

/// One setting. `name` is the parameter in a list; `None` as a default means not set.
pub(super) struct Setting<K: ?Sized> {
    pub(super) name: &'static str,
    /// Its name in 1.7 where that was another one; the same as `name` for what only 1.7 had.
    pub(super) old_name: Option<&'static str>,
    pub(super) default: Option<&'static str>,
    pub(super) default_1_7: Option<&'static str>,
    pub(super) help: &'static str,
    pub(super) kind: K,
}

impl<K: ?Sized> Setting<K> {
    pub(super) fn is_called(&self, key: &str) -> bool {
        self.name == key || self.old_name == Some(key)
    }
}

/// Whose defaults hold for what is not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Era {
    /// A list with at least one name that only 1.7 had.
    V1_7,
    /// Every other list.
    V1_8,
}

/// The texts of `listen_port_mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PortModeName {
    Ephemeral,
    Single,
    Range,
}

const PORT: Integer<u16> = integer("", 1, 65535);
// A year. More is a mistake, and could not be added to a clock's time without care.
const SECONDS: Integer<u64> = integer("seconds", 1, 31_536_000);
const ANNOTATIONS: &[(&str, Annotation)] = &[
    ("none", Annotation::None),
    ("key_prefix", Annotation::KeyPrefix),
    ("tag_datadog", Annotation::TagDatadog),
];

/// Declares each setting as a static that is called as the parameter, so that code and documentation cannot name
/// different things, and the table of them all.
macro_rules! table {
    ($($name:ident $(($old:literal))?: $kind:ty = $value:expr; $default:expr, $default_1_7:expr; $help:literal)*) => {
        $(
            #[expect(non_upper_case_globals, reason = "the parameter's own name")]
            pub(super) static $name: Setting<$kind> = Setting {
                name: stringify!($name),
                old_name: [$(Some($old),)? None][0],
                default: $default,
                default_1_7: $default_1_7,
                help: $help,
                kind: $value,
            };
        )*
        pub(super) static TABLE: &[&Setting<dyn Check>] = &[$(&$name),*];
    };
}

table! {
    container_limit_amount_kbytes: Integer<u64> = integer("KiB", 0, u64::MAX / 1024); Some("10240"), None;
        "accepted from one container in each period; the rest is dropped and counted; 0 drops everything"
    container_limit_period_secs: Integer<u64> = SECONDS; Some("60"), Some("60");
        "period of the limit and of the module's own metrics"
    listen_interface: Text = Text; Some("lo"), None;
        "network interface whose first address endpoints are bound to and tasks are told"
    listen_ip: Ip = Ip; None, None;
        "address to bind to and tell tasks, instead of an interface's"
    listen_host ("listen_host"): Text = Text; None, Some("127.0.0.1");
        "name or address to bind to and tell tasks, resolved once at the start, instead of an interface"
    listen_port_mode: Choice<PortModeName> = Choice(&[
        ("ephemeral", PortModeName::Ephemeral),
        ("single", PortModeName::Single),
        ("range", PortModeName::Range),
    ]); Some("ephemeral"), Some("ephemeral");
        "`ephemeral`: the kernel picks a port for each container; `single`: one port for all, whose traffic cannot be told apart; `range`: a port for each container out of a range"
    listen_port: Integer<u16> = PORT; Some("0"), Some("0");
        "the port; must be given in mode `single`, else unused"
    listen_port_start: Integer<u16> = PORT; Some("0"), Some("0");
        "first port; must be given in mode `range`, else unused"
    listen_port_end: Integer<u16> = PORT; Some("0"), Some("0");
        "last port, greater than the first; must be given in mode `range`, else unused"
    listen_receive_buffer_kbytes: Integer<usize> = integer("KiB", 1, 524_288); Some("8192"), Some("8192");
        "kernel buffer to ask for per endpoint; the kernel may grant less (`net.core.rmem_max`)"
    output_collector_enabled: Flag = Flag; Some("true"), Some("false");
        "send Avro over TCP to the collector"
    output_collector_ip: Ip = Ip; Some("127.0.0.1"), Some("127.0.0.1");
        "the collector's address; names are not resolved"
    output_collector_port: Integer<u16> = PORT; Some("8124"), Some("8124");
        "the collector's TCP port"
    output_collector_chunking: Flag = Flag; Some("true"), Some("true");
        "send datapoints in blocks; `false`: each by itself"
    output_collector_chunk_size_datapoints: Integer<usize> = integer("datapoints", 0, 100_000); Some("100"), Some("100");
        "a block is sent when it holds this many; 0 means 1"
    output_collector_chunk_timeout_seconds: Integer<u64> = SECONDS; Some("10"), Some("10");
        "a block is sent at the latest after this time"
    output_collector_queue_kbytes: Integer<usize> = integer("KiB", 256, 1_048_576); Some("4096"), Some("4096");
        "kept while the collector is away or slow; beyond it the oldest blocks are dropped and counted"
    output_collector_metric_types: Flag = Flag; Some("true"), Some("true");
        "datapoints carry type, sample rate and text; `false`: the exact bytes of 2016, without them"
    output_collector_sample_rate_all_types: Flag = Flag; Some("false"), Some("false");
        "divide values of every type by their sample rate, as in 2016; `false`: counters only"
    output_statsd_enabled: Flag = Flag; Some("false"), Some("true");
        "send StatsD over UDP"
    output_statsd_host ("dest_host"): Text = Text; Some("metrics.marathon.mesos"), Some("statsd.monitoring.mesos");
        "name or address of the receiver"
    output_statsd_host_refresh_seconds ("dest_refresh_seconds"): Integer<u64> = SECONDS; Some("60"), Some("300");
        "how often the receiver's name is resolved again"
    output_statsd_port ("dest_port"): Integer<u16> = PORT; Some("8125"), Some("8125");
        "the receiver's UDP port"
    output_statsd_annotation_mode ("annotation_mode"): Choice<Annotation> = Choice(ANNOTATIONS); Some("key_prefix"), Some("tag_datadog");
        "how a line says its container: not at all, `framework.executor.container.` before its name, or DogStatsD tags"
    output_statsd_tag_order: Choice<TagOrder> = Choice(&[
        ("framework_first", TagOrder::FrameworkFirst),
        ("container_first", TagOrder::ContainerFirst),
    ]); Some("framework_first"), Some("framework_first");
        "for `tag_datadog`: `framework_first`: framework, executor, container, after the line's own tags; `container_first`: the reverse, at the end of the line, as before May 2016"
    output_statsd_chunking ("chunking"): Flag = Flag; Some("true"), Some("true");
        "several lines in a datagram; `false`: each by itself"
    output_statsd_chunk_size_bytes ("chunk_size_bytes"): Integer<usize> = integer("bytes", 0, u64::MAX); Some("512"), Some("512");
        "a datagram of several lines stays below it; 0 means 512, more than 65536 means 65536"
    dest_mode ("dest_mode"): Choice<bool> = Choice(&[("none", false), ("poll_tcp", false), ("statsd_udp", true)]); None, Some("statsd_udp");
        "never had an effect: the output is StatsD over UDP whatever it says"
    self_metrics_enabled: Flag = Flag; Some("true"), Some("false");
        "send `dcos.metrics.module.*` metrics about the module and each container's traffic"
    state_path_dir: Text = Text; Some("/var/run/mesos/isolators/com_mesosphere_MetricsIsolatorModule/"), Some("/var/run/mesos/isolators/com_mesosphere_StatsIsolatorModule/");
        "root of the state cache, from which containers get their ports back after a restart of the agent"
}

/// The setting a key of either era belongs to.
pub(super) fn find(key: &str) -> Option<&'static Setting<dyn Check>> {
    TABLE.iter().copied().find(|setting| setting.is_called(key))
}

/// The known name, of either era, most like `key`.
pub(super) fn nearest(key: &str) -> &'static str {
    // Comparing costs the product of the lengths, and no name is half as long as this.
    let key: String = key.chars().take(64).collect::<String>().to_lowercase();
    let names = TABLE
        .iter()
        .flat_map(|setting| [Some(setting.name), setting.old_name])
        .flatten();
    let likeness = |name: &&str| strsim::sorensen_dice(name, &key);
    names
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
        .unwrap_or_default()
}

/// The table in Markdown, as `docs/configuration.md` and the README show it.
pub fn markdown_table() -> String {
    let mut table = String::from(
        "| Parameter | Name in 1.7 | Allowed | Default | Default beside 1.7 names | Meaning |\n|---|---|---|---|---|---|\n",
    );
    for setting in TABLE {
        let code = |text: Option<&str>| text.map_or("-".to_owned(), |text| format!("`{text}`"));
        let cells = [
            code(Some(setting.name)),
            code(setting.old_name),
            setting.kind.allowed(),
            code(setting.default),
            code(setting.default_1_7),
            setting.help.to_owned(),
        ];
        table.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    table
}
