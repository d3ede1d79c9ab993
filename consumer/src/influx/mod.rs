//! InfluxDB: 1.x with user, password and database, 2.x with token, organisation and bucket.

mod line;

use crate::backend::{Backend, DeliveryError};
use crate::batch::Batch;
use crate::counters::{Counters, add};
use crate::environment::boolean;
use crate::http::{Answer, Requests, authorities, unexpected};
use crate::numbers::{name_suffix, number};
use base64::prelude::{BASE64_STANDARD, Engine};
use clap::{Args, ValueEnum};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};
use stats_schema::{MetricType, RecordRef};
use std::path::PathBuf;
use std::sync::Arc;

/// A batch is full with this many bytes, however few points they are.
const BATCH_BYTES: usize = 4 << 20;

/// The longest point. InfluxDB's keys end at 64 KiB.
const POINT_BYTES: usize = 64 << 10;

/// What may not stand for itself in a part of a URL (RFC 3986, 2.3).
const RESERVED: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// Options of the subcommand.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "InfluxDB")]
pub(crate) struct InfluxOptions {
    /// InfluxDB's host, or a URL with its port; with https the certificate is verified, and so is that it is for this host
    #[arg(long, env, value_name = "HOST")]
    output_host: String,

    /// InfluxDB's port, unless the host is a URL
    #[arg(long, env, value_name = "PORT", default_value_t = 8086)]
    output_port: u16,

    /// File with the certificates, in PEM, that may vouch for InfluxDB, instead of those that the system trusts
    #[arg(long, env, value_name = "FILE")]
    output_ca_file: Option<PathBuf>,

    /// The measurement of all points
    #[arg(long, env, value_name = "NAME")]
    measurement_name: String,

    /// 1.x: database to write to
    #[arg(
        long,
        env,
        value_name = "NAME",
        required_unless_present = "output_bucket",
        conflicts_with = "output_bucket"
    )]
    output_database: Option<String>,

    /// 1.x: user
    #[arg(long, env, value_name = "NAME", requires = "output_password")]
    output_username: Option<String>,

    /// 1.x: password
    #[arg(long, env, value_name = "PASSWORD", hide_env_values = true)]
    output_password: Option<String>,

    /// 1.x: whether to create the database if it does not exist
    #[arg(long, env, value_name = "BOOL", default_value = "true", num_args = 0..=1, default_missing_value = "true", require_equals = true,
          value_parser = boolean)]
    create_db: bool,

    /// 1.x: retention policy to write to; default is the database's own default
    #[arg(long, env, value_name = "NAME", default_value = "default")]
    retention_policy: String,

    /// 2.x: bucket to write to
    #[arg(
        long,
        env,
        value_name = "NAME",
        requires = "output_token",
        requires = "output_org"
    )]
    output_bucket: Option<String>,

    /// 2.x: organisation of the bucket
    #[arg(long, env, value_name = "NAME")]
    output_org: Option<String>,

    /// 2.x: token that may write to the bucket
    #[arg(long, env, value_name = "TOKEN", hide_env_values = true)]
    output_token: Option<String>,

    /// Points in a request at most
    #[arg(long, env, value_name = "COUNT", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    batch_points: u32,

    /// Whether requests and their headers are logged: none and basic leave them out, headers and full log them without
    /// what may be secret. RUST_LOG, if it is set, decides alone
    #[arg(long, env, value_name = "LEVEL", default_value = "basic", ignore_case = true)]
    log_level: LogLevel,
}

/// What the consumer of 2016 could log of requests (`reference/metrics.md` 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogLevel {
    None,
    Basic,
    Headers,
    Full,
}

impl InfluxOptions {
    /// Whether requests and their headers are logged.
    pub(crate) fn logs_requests(&self) -> bool {
        matches!(self.log_level, LogLevel::Headers | LogLevel::Full)
    }
}

/// A batch for InfluxDB.
///
/// Every datapoint is a point with one field, named as the metric; the tags are the list's. InfluxDB merges points of the same
/// tags and millisecond into one row, and of two with the same name in it keeps the last.
pub(crate) struct Influx {
    options: InfluxOptions,
    counters: Arc<Counters>,
    batch: Batch,
    most: usize,
    write: Requests,
    /// Creates the database, until that has been done.
    create: Option<Requests>,
    /// Measurement and tags of the current list.
    series: Vec<u8>,
}

impl Influx {
    /// A batch for the InfluxDB of `options`.
    ///
    /// # Errors
    ///
    /// A file of certificates that cannot be used.
    pub(crate) fn new(options: &InfluxOptions, counters: Arc<Counters>) -> Result<Self, String> {
        let authorities = authorities(options.output_ca_file.as_deref())?;
        let base = if options.output_host.contains("://") {
            options.output_host.trim_end_matches('/').to_owned()
        } else {
            format!("http://{}:{}", options.output_host, options.output_port)
        };
        let mut headers = Vec::new();
        let mut create = None;
        let url = if let Some(database) = &options.output_database {
            if let (Some(user), Some(password)) = (&options.output_username, &options.output_password) {
                headers.push((
                    "Authorization",
                    format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}"))),
                ));
            }
            if options.create_db {
                let query = format!(
                    "CREATE DATABASE \"{}\"",
                    database.replace('\\', r"\\").replace('"', "\\\"")
                );
                create = Some(Requests::new(
                    format!("{base}/query?q={}", percent(&query)),
                    headers.clone(),
                    authorities.clone(),
                ));
            }
            let policy = match options.retention_policy.as_str() {
                // A policy of that very name was the default in 0.9; later it has another name, or any.
                "" | "default" => String::new(),
                policy => format!("&rp={}", percent(policy)),
            };
            format!("{base}/write?db={}&precision=ms{policy}", percent(database))
        } else {
            let token = options.output_token.as_deref().unwrap_or_default();
            headers.push(("Authorization", format!("Token {token}")));
            let org = percent(options.output_org.as_deref().unwrap_or_default());
            let bucket = percent(options.output_bucket.as_deref().unwrap_or_default());
            format!("{base}/api/v2/write?org={org}&bucket={bucket}&precision=ms")
        };
        Ok(Self {
            most: usize::try_from(options.batch_points).unwrap_or(usize::MAX),
            options: options.clone(),
            counters,
            batch: Batch::default(),
            write: Requests::new(url, headers, authorities),
            create,
            series: Vec::new(),
        })
    }

    fn create_database(&mut self) -> Result<(), DeliveryError> {
        let Some(create) = &self.create else {
            return Ok(());
        };
        let database = self.options.output_database.as_deref().unwrap_or_default();
        match create.post(&[]) {
            Ok((200, answer)) if !answer.contains("\"error\"") => {
                log::info!("database {database} exists");
                self.create = None;
                Ok(())
            }
            // Somebody else may have created it; if not, writing will tell.
            Ok((status @ (401 | 403), answer)) => {
                log::warn!(
                    "may not create database {database}: {}",
                    unexpected(status, &answer)
                );
                self.create = None;
                Ok(())
            }
            Ok((status, answer)) => {
                let reason = unexpected(status, &answer);
                Err(DeliveryError::unavailable("create database", &database, &reason))
            }
            Err(error) => Err(DeliveryError::unavailable("create database", &database, &error)),
        }
    }
}

impl Backend for Influx {
    fn append(&mut self, record: &RecordRef<'_>) -> usize {
        self.series.clear();
        line::put_series(&mut self.series, &self.options.measurement_name, record.tags);
        let mut taken = 0;
        for datapoint in record.datapoints {
            if self.full() {
                break;
            }
            taken += 1;
            let text = datapoint
                .text
                .filter(|_| datapoint.metric_type == MetricType::Set);
            if text.is_none() && number(datapoint, &self.counters).is_none() {
                continue;
            }
            let series = &self.series;
            let fits = self.batch.push(POINT_BYTES, |out| {
                out.extend_from_slice(series);
                line::put_field(out, datapoint, name_suffix(datapoint), text);
            });
            if !fits {
                add(&self.counters.too_long, 1);
            }
        }
        taken
    }

    fn full(&self) -> bool {
        self.batch.len() >= self.most || self.batch.bytes() >= BATCH_BYTES
    }

    fn deliver(&mut self) -> Result<(), DeliveryError> {
        if self.batch.len() == 0 {
            return Ok(());
        }
        self.create_database()?;
        let points =
            |batch: &Batch, first, end, body: &mut Vec<u8>| body.extend_from_slice(batch.range(first, end));
        self.write
            .deliver(&mut self.batch, self.most, &self.counters, points, judge)
    }
}

/// What InfluxDB's answer to a write means.
fn judge(status: u16, answer: String) -> Result<Answer, String> {
    match status {
        200..=299 => Ok(Answer::Taken {
            refused: 0,
            reason: String::new(),
        }),
        // 1.x has stored the other points, and 2.x says the same with 422.
        400 | 422 => match partly_written(&answer) {
            Some(refused) => Ok(Answer::Taken {
                refused,
                reason: answer,
            }),
            None => Ok(Answer::Refused(unexpected(status, &answer))),
        },
        413 => Ok(Answer::Refused(unexpected(status, &answer))),
        _ => Err(unexpected(status, &answer)),
    }
}

/// The number in `partial write: ... dropped=2`.
fn partly_written(answer: &str) -> Option<usize> {
    let (_, rest) = answer.split_once("partial write")?;
    let (_, rest) = rest.rsplit_once("dropped=")?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    rest[..digits].parse().ok().filter(|dropped| *dropped > 0)
}

/// `text` as part of a URL.
fn percent(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, &RESERVED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_characters_of_a_url_are_encoded() {
        assert_eq!(percent("a b/&\"é~-_.").to_string(), "a%20b%2F%26%22%C3%A9~-_.");
    }

    #[test]
    fn answers() {
        let partial = r#"{"error":"partial write: points beyond retention policy dropped=12"}"#;
        assert!(matches!(
            judge(204, String::new()),
            Ok(Answer::Taken { refused: 0, .. })
        ));
        assert!(matches!(
            judge(400, partial.into()),
            Ok(Answer::Taken { refused: 12, .. })
        ));
        assert!(matches!(
            judge(400, r#"{"error":"unable to parse 'x'"}"#.into()),
            Ok(Answer::Refused(_))
        ));
        assert!(matches!(judge(413, String::new()), Ok(Answer::Refused(_))));
        for status in [401, 404, 429, 500, 503] {
            assert!(judge(status, String::new()).is_err());
        }
        assert_eq!(partly_written("dropped=3"), None);
        assert_eq!(partly_written("partial write: x dropped=0"), None);
    }
}
