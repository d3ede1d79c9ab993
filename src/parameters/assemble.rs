//! From a list to [`Parameters`]: which era it speaks, what is given, what that means together.

use super::error::{Assignment, ParameterError};
use super::kind::{Check, Kind};
use super::list::ParameterList;
use super::table::{self, Era, PortModeName, Setting, TABLE};
use super::{CollectorOutput, Listen, ListenAddress, Parameters, PortMode, StatsdOutput};
use std::net::SocketAddr;
use std::time::Duration;

/// Something for the log that is no error.
#[derive(Debug)]
pub(super) struct Notice {
    pub(super) level: log::Level,
    pub(super) text: String,
}

/// The parameters, and what the operator should hear about them.
pub(super) fn parameters(list: &ParameterList) -> Result<(Parameters, Vec<Notice>), ParameterError> {
    let mut given = Given::new(list)?;
    given.refuse_both(&table::listen_interface, &table::listen_ip, ONE_ADDRESS)?;
    given.refuse_both(&table::listen_interface, &table::listen_host, ONE_ADDRESS)?;
    given.refuse_both(&table::listen_ip, &table::listen_host, ONE_ADDRESS)?;
    let container_limit = given
        .read_if_set(&table::container_limit_amount_kbytes)?
        .map(|kbytes| kbytes * 1024);
    if container_limit == Some(0) {
        given.warn(
            &table::container_limit_amount_kbytes,
            "everything that containers send is dropped",
        );
    }
    if given.read_if_set(&table::dest_mode)? == Some(false) {
        given.warn(
            &table::dest_mode,
            "this never had an effect; StatsD is sent over UDP all the same",
        );
    }
    let parameters = Parameters {
        listen: listen(&given)?,
        container_limit,
        period: given.seconds(&table::container_limit_period_secs)?,
        self_metrics: given.read(&table::self_metrics_enabled)?,
        collector: collector(&given)?,
        statsd: statsd(&mut given)?,
        state_dir: given.read(&table::state_path_dir)?.into(),
    };
    if parameters.collector.is_none() && parameters.statsd.is_none() {
        return Err(ParameterError::together(
            &given.assignment(&table::output_collector_enabled),
            &given.assignment(&table::output_statsd_enabled),
            "At least one writer must be enabled; set one of the two to true",
        ));
    }
    Ok((parameters, given.notices))
}

const ONE_ADDRESS: &str =
    "endpoints have one address; give only one of listen_interface, listen_ip and listen_host";

fn listen(given: &Given) -> Result<Listen, ParameterError> {
    // At most one of the three is given. The interface goes before the host because in 1.7 the host has a default.
    let address = if let Some(ip) = given.read_if_set(&table::listen_ip)? {
        ListenAddress::Ip(ip)
    } else if let Some(interface) = given.read_if_set(&table::listen_interface)? {
        ListenAddress::Interface(interface)
    } else {
        ListenAddress::Host(given.read(&table::listen_host)?)
    };
    let ports = match given.read(&table::listen_port_mode)? {
        PortModeName::Ephemeral => PortMode::Ephemeral,
        PortModeName::Single => PortMode::Single(given.read(&table::listen_port)?),
        PortModeName::Range => port_range(given)?,
    };
    Ok(Listen {
        address,
        ports,
        receive_buffer_bytes: given.read(&table::listen_receive_buffer_kbytes)? * 1024,
    })
}

fn port_range(given: &Given) -> Result<PortMode, ParameterError> {
    let start = given.read(&table::listen_port_start)?;
    let end = given.read(&table::listen_port_end)?;
    if start < end {
        return Ok(PortMode::Range { start, end });
    }
    Err(ParameterError::together(
        &given.assignment(&table::listen_port_start),
        &given.assignment(&table::listen_port_end),
        &format!("listen_port_start (={start}) must be less than listen_port_end (={end})"),
    ))
}

fn collector(given: &Given) -> Result<Option<CollectorOutput>, ParameterError> {
    if !given.read(&table::output_collector_enabled)? {
        return Ok(None);
    }
    let ip = given.read(&table::output_collector_ip)?;
    let port = given.read(&table::output_collector_port)?;
    let chunk_datapoints = given.read(&table::output_collector_chunk_size_datapoints)?;
    let chunking = given.read(&table::output_collector_chunking)?;
    Ok(Some(CollectorOutput {
        address: SocketAddr::new(ip, port),
        chunk_datapoints: if chunking { chunk_datapoints.max(1) } else { 1 },
        chunk_timeout: given.seconds(&table::output_collector_chunk_timeout_seconds)?,
        queue_bytes: given.read(&table::output_collector_queue_kbytes)? * 1024,
        metric_types: given.read(&table::output_collector_metric_types)?,
        sample_rate_all_types: given.read(&table::output_collector_sample_rate_all_types)?,
    }))
}

fn statsd(given: &mut Given) -> Result<Option<StatsdOutput>, ParameterError> {
    if !given.read(&table::output_statsd_enabled)? {
        return Ok(None);
    }
    Ok(Some(StatsdOutput {
        host: given.read(&table::output_statsd_host)?,
        port: given.read(&table::output_statsd_port)?,
        refresh: given.seconds(&table::output_statsd_host_refresh_seconds)?,
        annotation: given.read(&table::output_statsd_annotation_mode)?,
        tag_order: given.read(&table::output_statsd_tag_order)?,
        chunk_bytes: if given.read(&table::output_statsd_chunking)? {
            Some(chunk_bytes(given)?)
        } else {
            None
        },
    }))
}

/// Bad sizes are mended with a warning, not refused: configurations that ran with the old module must go on running
/// (`reference/metrics.md` 1.3).
fn chunk_bytes(given: &mut Given) -> Result<usize, ParameterError> {
    let setting = &table::output_statsd_chunk_size_bytes;
    let bytes = given.read(setting)?;
    if bytes == 0 {
        given.warn(setting, "must be non-zero; 512 is used");
        return Ok(512);
    }
    if bytes > 65536 {
        given.warn(setting, "must be at most 65536; 65536 is used");
        return Ok(65536);
    }
    Ok(bytes)
}

/// A list whose keys are all known and whose texts make sense each by itself.
struct Given<'a> {
    list: &'a ParameterList,
    era: Era,
    notices: Vec<Notice>,
}

impl<'a> Given<'a> {
    fn new(list: &'a ParameterList) -> Result<Given<'a>, ParameterError> {
        let mut given = Given {
            list,
            era: Era::V1_8,
            notices: Vec::new(),
        };
        for (key, value) in list.iter() {
            let assignment = Assignment::given(key, value);
            let Some(setting) = table::find(key) else {
                return Err(ParameterError::Unknown {
                    parameter: assignment.to_string(),
                    nearest: table::nearest(key),
                });
            };
            setting
                .kind
                .check(key, value)
                .map_err(|reason| ParameterError::value(&assignment, reason))?;
            if setting.old_name == Some(key) && given.era == Era::V1_8 {
                given.era = Era::V1_7;
                given.notices.push(Notice {
                    level: log::Level::Info,
                    text: format!(
                        "{assignment} is a name of 1.7, so what is not given has the defaults of 1.7"
                    ),
                });
            }
        }
        for setting in TABLE {
            given.refuse_two_names(setting)?;
        }
        Ok(given)
    }

    fn refuse_two_names(&self, setting: &Setting<dyn Check>) -> Result<(), ParameterError> {
        let Some(old_name) = setting.old_name.filter(|old_name| *old_name != setting.name) else {
            return Ok(());
        };
        match (self.list.get(old_name), self.list.get(setting.name)) {
            (Some(old), Some(new)) => Err(ParameterError::together(
                &Assignment::given(old_name, old),
                &Assignment::given(setting.name, new),
                "these are the 1.7 and the 1.8 name of one setting; give only one of them",
            )),
            _ => Ok(()),
        }
    }

    fn refuse_both<A, B>(&self, a: &Setting<A>, b: &Setting<B>, reason: &str) -> Result<(), ParameterError> {
        if self.list.get(a.name).is_none() || self.list.get(b.name).is_none() {
            return Ok(());
        }
        Err(ParameterError::together(
            &self.assignment(a),
            &self.assignment(b),
            reason,
        ))
    }

    /// What is given under either name, else the era's default, else the empty text, which each kind judges itself.
    fn assignment<K>(&self, setting: &Setting<K>) -> Assignment<'_> {
        match self.list.iter().find(|(key, _)| setting.is_called(key)) {
            Some((key, value)) => Assignment::given(key, value),
            None => Assignment {
                key: setting.name,
                value: self.default(setting).unwrap_or_default(),
                default: true,
            },
        }
    }

    fn default<K>(&self, setting: &Setting<K>) -> Option<&'static str> {
        match self.era {
            Era::V1_7 => setting.default_1_7,
            Era::V1_8 => setting.default,
        }
    }

    fn read<K: Kind>(&self, setting: &Setting<K>) -> Result<K::Value, ParameterError> {
        let assignment = self.assignment(setting);
        let value = setting.kind.read(assignment.key, assignment.value);
        value.map_err(|reason| ParameterError::value(&assignment, reason))
    }

    fn read_if_set<K: Kind>(&self, setting: &Setting<K>) -> Result<Option<K::Value>, ParameterError> {
        if self.assignment(setting).default && self.default(setting).is_none() {
            return Ok(None);
        }
        self.read(setting).map(Some)
    }

    fn seconds<K: Kind<Value = u64>>(&self, setting: &Setting<K>) -> Result<Duration, ParameterError> {
        self.read(setting).map(Duration::from_secs)
    }

    fn warn<K>(&mut self, setting: &Setting<K>, what: &str) {
        let text = format!("{}: {what}", self.assignment(setting));
        self.notices.push(Notice {
            level: log::Level::Warn,
            text,
        });
    }
}
