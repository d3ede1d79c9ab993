//! Pages from a copy of all series.

use super::families::{Family, Kind};
use super::format::Format;
use super::labels::LabelSet;
use super::names::push_escaped;
use super::shown::Shown;
use super::window::QUANTILES;
use std::fmt::Write;
use std::sync::Arc;

/// A series at the moment of a page.
pub(super) struct Row {
    pub(super) family: Arc<Family>,
    pub(super) labels: Arc<LabelSet>,
    pub(super) shown: Shown,
}

/// Appends all rows, families and labels in alphabetical order, and the end of the page if the format has one.
pub(super) fn render(mut rows: Vec<Row>, format: Format, page: &mut String) {
    rows.sort_unstable_by(|one, other| {
        (&one.family.name, &one.labels.text).cmp(&(&other.family.name, &other.labels.text))
    });
    for family in rows.chunk_by(|one, other| one.family.number == other.family.number) {
        push_head(page, &family[0].family, format);
        for row in family {
            push_row(page, row, format);
        }
    }
    if format == Format::OpenMetrics {
        page.push_str("# EOF\n");
    }
}

fn push_head(page: &mut String, family: &Family, format: Format) {
    // The text format has no word for a family apart from its samples' name.
    let suffix = match (family.kind, format) {
        (Kind::Counter, Format::Text) => "_total",
        _ => "",
    };
    let name = &family.name;
    push(page, format_args!("# HELP {name}{suffix} "));
    push_escaped(page, &family.help, format == Format::OpenMetrics);
    let type_name = family.kind.type_name();
    push(page, format_args!("\n# TYPE {name}{suffix} {type_name}\n"));
}

fn push_row(page: &mut String, row: &Row, format: Format) {
    let Row {
        family,
        labels,
        shown,
    } = row;
    match *shown {
        Shown::Number(number) => {
            let suffix = if family.kind == Kind::Counter {
                "_total"
            } else {
                ""
            };
            push_sample(page, family, suffix, labels, number);
        }
        Shown::Summary {
            quantiles,
            sum,
            count,
            negative,
        } => {
            // OpenMetrics allows neither quantiles below zero nor a sum that does not only grow.
            let strict = format == Format::OpenMetrics;
            for (quantile, value) in QUANTILES.into_iter().zip(quantiles) {
                if strict && value < 0.0 {
                    continue;
                }
                page.push_str(&family.name);
                page.push('{');
                if !labels.text.is_empty() {
                    page.push_str(&labels.text);
                    page.push(',');
                }
                push(page, format_args!("quantile=\"{quantile}\"}} "));
                push_number(page, value);
            }
            if !(strict && negative) {
                push_sample(page, family, "_sum", labels, sum);
            }
            // Weights may be broken numbers; a count is none.
            push_sample(page, family, "_count", labels, count.round());
        }
    }
}

fn push_sample(page: &mut String, family: &Family, suffix: &str, labels: &LabelSet, number: f64) {
    page.push_str(&family.name);
    page.push_str(suffix);
    if !labels.text.is_empty() {
        page.push('{');
        page.push_str(&labels.text);
        page.push('}');
    }
    page.push(' ');
    push_number(page, number);
}

fn push_number(page: &mut String, number: f64) {
    // As short as it can be read back, with an exponent where that is shorter. NaN is the only one that is not finite.
    push(page, format_args!("{number:?}\n"));
}

fn push(page: &mut String, text: std::fmt::Arguments<'_>) {
    // A string takes everything.
    let _ = page.write_fmt(text);
}
