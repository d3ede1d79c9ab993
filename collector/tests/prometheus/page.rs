//! A strict reader of both formats, written from their descriptions and not from the code that writes them: what it
//! takes, every reader takes.

use stats_collector::sinks::prometheus::Format;
use std::collections::{BTreeMap, BTreeSet};

/// Labels of a sample, by name.
pub(crate) type Labels = BTreeMap<String, String>;

/// What a page says.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// Type of each family, by its name.
    pub(crate) types: BTreeMap<String, String>,
    /// Values, by name and labels.
    pub(crate) samples: BTreeMap<(String, Labels), f64>,
}

impl Page {
    /// The value of the sample of this name with these labels.
    pub(crate) fn get(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let labels = labels
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        self.samples.get(&(name.to_owned(), labels)).copied()
    }

    /// Reads a page; the error is the first line that is wrong, and why.
    pub(crate) fn read(text: &str, format: Format) -> Result<Self, String> {
        let mut page = Self::default();
        let text = if format == Format::OpenMetrics {
            text.strip_suffix("# EOF\n").ok_or("no # EOF at the end")?
        } else {
            text
        };
        if text.contains('\0') || !(text.is_empty() || text.ends_with('\n')) {
            return Err("a zero byte, or no line feed at the end".to_owned());
        }
        let mut lines = text.split_terminator('\n').peekable();
        while let Some(line) = lines.next() {
            let (family, kind) =
                head(line, lines.next(), format).map_err(|error| format!("{error}: {line}"))?;
            if page.types.insert(family.clone(), kind.clone()).is_some() {
                return Err(format!("family {family} twice"));
            }
            let mut seen = false;
            while let Some(line) = lines.next_if(|line| !line.starts_with('#')) {
                seen = true;
                page.sample(line, &family, &kind, format)
                    .map_err(|error| format!("{error}: {line}"))?;
            }
            if !seen {
                return Err(format!("family {family} without samples"));
            }
        }
        page.no_clashes(format)?;
        Ok(page)
    }

    fn sample(&mut self, line: &str, family: &str, kind: &str, format: Format) -> Result<(), String> {
        let (series, value) = line.rsplit_once(' ').ok_or("no value")?;
        let (name, labels) = match series.split_once('{') {
            Some((name, labels)) => (name, read_labels(labels)?),
            None => (series, Labels::new()),
        };
        let value: f64 = value.parse().map_err(|_| "value is no number")?;
        let suffix = name
            .strip_prefix(family)
            .ok_or("sample is not of the family above")?;
        let strict = format == Format::OpenMetrics;
        let quantile = labels.get("quantile");
        let good = match (kind, suffix) {
            ("counter", "_total") => strict && value >= 0.0 && quantile.is_none(),
            ("counter", "") => !strict && family.ends_with("_total") && value >= 0.0 && quantile.is_none(),
            ("gauge", "") => value.is_finite() && quantile.is_none(),
            ("summary", "") => {
                quantile.is_some_and(|text| matches!(text.as_str(), "0.5" | "0.9" | "0.99"))
                    && !(strict && value < 0.0)
            }
            ("summary", "_sum") => value.is_finite() && !(strict && value < 0.0) && quantile.is_none(),
            ("summary", "_count") => value >= 1.0 && value.fract() == 0.0 && quantile.is_none(),
            _ => false,
        };
        if !good {
            return Err(format!("suffix {suffix:?} or value {value:?} not for a {kind}"));
        }
        match self.samples.insert((name.to_owned(), labels), value) {
            Some(_) => Err("sample twice".to_owned()),
            None => Ok(()),
        }
    }

    /// No family has a name that a sample of another family has or, in OpenMetrics, may have.
    fn no_clashes(&self, format: Format) -> Result<(), String> {
        let mut names = BTreeSet::new();
        for (family, kind) in &self.types {
            let suffixes: &[&str] = match (kind.as_str(), format) {
                ("counter", Format::OpenMetrics) => &["", "_total", "_created"],
                ("summary", Format::OpenMetrics) => &["", "_sum", "_count", "_created"],
                ("summary", Format::Text) => &["", "_sum", "_count"],
                _ => &[""],
            };
            for suffix in suffixes {
                let name = format!("{family}{suffix}");
                if !names.insert(name.clone()) {
                    return Err(format!("{name} belongs to two families"));
                }
            }
        }
        Ok(())
    }
}

/// Name and type of a family from its two lines.
fn head(help: &str, kind: Option<&str>, format: Format) -> Result<(String, String), String> {
    let help = help.strip_prefix("# HELP ").ok_or("no HELP")?;
    let (name, text) = help.split_once(' ').ok_or("HELP without text")?;
    unescape(text, format == Format::OpenMetrics)?;
    let kind = kind
        .and_then(|line| line.strip_prefix("# TYPE "))
        .and_then(|line| line.strip_prefix(name))
        .and_then(|line| line.strip_prefix(' '))
        .ok_or("no TYPE of the same name after HELP")?;
    if !is_name(name, true) || !["counter", "gauge", "summary"].contains(&kind) {
        return Err("name or type not allowed".to_owned());
    }
    Ok((name.to_owned(), kind.to_owned()))
}

/// Labels from behind the opening brace to the closing one.
fn read_labels(mut text: &str) -> Result<Labels, String> {
    let mut labels = Labels::new();
    loop {
        let (name, rest) = text.split_once("=\"").ok_or("label without value")?;
        if !is_name(name, false) || name.starts_with("__") || name == "le" {
            return Err(format!("label name {name:?} not allowed"));
        }
        let mut escaped = false;
        let end = rest
            .find(|character| {
                let end = character == '"' && !escaped;
                escaped = character == '\\' && !escaped;
                end
            })
            .ok_or("label value does not end")?;
        let value = unescape(&rest[..end], true)?;
        // To Prometheus it is the same as no label, so that two samples might be one.
        if value.is_empty() || labels.insert(name.to_owned(), value).is_some() {
            return Err(format!("label {name} empty or twice"));
        }
        match &rest[end + 1..] {
            "}" => return Ok(labels),
            more => text = more.strip_prefix(',').ok_or("no comma between labels")?,
        }
    }
}

fn unescape(text: &str, quotes: bool) -> Result<String, String> {
    let mut out = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => out.push(match characters.next() {
                Some('\\') => '\\',
                Some('n') => '\n',
                Some('"') if quotes => '"',
                other => return Err(format!("escape {other:?} not allowed")),
            }),
            '"' if quotes => return Err("quote not escaped".to_owned()),
            other => out.push(other),
        }
    }
    Ok(out)
}

fn is_name(text: &str, colon: bool) -> bool {
    let allowed = |character: char| {
        character.is_ascii_alphanumeric() || character == '_' || (colon && character == ':')
    };
    text.starts_with(|first: char| !first.is_ascii_digit()) && text.chars().all(allowed)
}
