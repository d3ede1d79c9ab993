//! The page for people. It is whole without its script, which only replaces `<main>` by a newer one every two seconds, so
//! everything is rendered, and escaped, in one place.

use super::answer::{Answer, render};
use super::health::Health;
use super::sparkline::{Count, Rate, Sparkline};
use super::state::HttpState;
use super::status::{Sender, SinkStatus, Status};
use axum::extract::State;
use axum::response::Response;
use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter, Write};
use std::sync::Arc;

pub(super) const CSS: &str = include_str!("page.css");
pub(super) const JS: &str = include_str!("page.js");

const HEAD: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>dcos-stats collector</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/page.css">
<script src="/page.js" defer></script>
<noscript><meta http-equiv="refresh" content="5"></noscript>
</head>
<body>
"#;

const HEADER: &str = "<header><h1>dcos-stats collector</h1><p id=\"lost\" role=\"status\" hidden>The collector does not \
                      answer; these are the last numbers it gave.</p></header>\n";

pub(super) async fn page(State(state): State<Arc<HttpState>>) -> Response {
    render(state, |state| {
        Some(Answer {
            content_type: "text/html; charset=utf-8",
            body: html(&Status::of(state)).into_bytes(),
        })
    })
    .await
}

fn html(status: &Status) -> String {
    let mut page = HEAD.to_owned();
    // A string takes everything.
    let _ = write(&mut page, status);
    page
}

fn write(page: &mut String, status: &Status) -> fmt::Result {
    page.push_str(HEADER);
    page.push_str("<main aria-live=\"off\">\n");
    overview(page, status)?;
    sinks(page, &status.sinks)?;
    drops(page, status)?;
    senders(page, status)?;
    page.push_str("</main>\n");
    write!(
        page,
        "<footer>dcos-stats collector {} &middot; <a href=\"/status.json\">status.json</a> <a href=\"/metrics\">metrics</a> \
         <a href=\"/health\">health</a> <a href=\"/v0/containers\">v0</a></footer>\n</body>\n</html>\n",
        status.version
    )
}

fn overview(page: &mut String, status: &Status) -> fmt::Result {
    let (class, word) = match status.status {
        Health::Ok => ("ok", "Everything arrives"),
        Health::Degraded => ("degraded", "Something does not arrive"),
    };
    let containers = status.others
        + status
            .senders
            .iter()
            .filter(|sender| sender.container_id.is_some())
            .count();
    writeln!(
        page,
        "<p class=\"state {class}\">{word}</p>\n<section class=\"overview\" aria-label=\"Overview\">\n\
         <dl><div class=\"first\"><dt>Datapoints per second</dt><dd id=\"rate\">{}</dd></div>\
         <div><dt>Containers</dt><dd>{}</dd></div><div><dt>Connections</dt><dd>{}</dd></div>\
         <div><dt>Series</dt><dd>{}</dd></div><div><dt>Datapoints so far</dt><dd id=\"received\">{}</dd></div>\
         <div><dt>Running for</dt><dd>{}</dd></div></dl>",
        Rate(status.datapoints_per_second),
        Count(containers as u64),
        Count(status.connections_open),
        Count(status.series as u64),
        Count(status.datapoints_received),
        Uptime(status.uptime_seconds),
    )?;
    let sparkline = Sparkline {
        history: &status.history,
        samples: 150,
        label: "Datapoints per second in the last five minutes",
    };
    writeln!(
        page,
        "<figure>{sparkline}<figcaption><span>5 minutes ago</span><span>now</span></figcaption></figure>\n</section>"
    )
}

fn sinks(page: &mut String, sinks: &[SinkStatus]) -> fmt::Result {
    page.push_str(
        "<section aria-labelledby=\"sinks\"><h2 id=\"sinks\">Where it goes</h2>\n<div class=\"scroll\"><table><thead><tr>\
         <th scope=\"col\">Sink</th><th scope=\"col\">State</th><th scope=\"col\" class=\"number\">Written/s</th>\
         <th scope=\"col\" class=\"number wide\">Written</th><th scope=\"col\" class=\"number\">Waiting</th>\
         <th scope=\"col\" class=\"number\">Dropped</th></tr></thead><tbody>\n",
    );
    for SinkStatus {
        health,
        written_per_second,
    } in sinks
    {
        write!(page, "<tr><th scope=\"row\">{}</th>", health.name)?;
        match &health.problem {
            None => page.push_str("<td><span class=\"state ok\">OK</span></td>"),
            Some(problem) => write!(
                page,
                "<td class=\"text\"><span class=\"state degraded\">Problem</span> {}</td>",
                Escaped(problem)
            )?,
        }
        writeln!(
            page,
            "<td class=\"number\">{}</td><td class=\"number wide\">{}</td><td class=\"number\">{}</td>\
             <td class=\"number\">{}</td></tr>",
            Rate(*written_per_second),
            Count(health.datapoints_written),
            Count(health.datapoints_waiting),
            Count(health.datapoints_dropped.values().sum()),
        )?;
    }
    page.push_str("</tbody></table></div></section>\n");
    Ok(())
}

fn drops(page: &mut String, status: &Status) -> fmt::Result {
    let mut rows = String::new();
    for sink in &status.sinks {
        reasons(
            &mut rows,
            sink.health.name,
            &sink.health.datapoints_dropped,
            "datapoints",
        )?;
    }
    reasons(
        &mut rows,
        "input",
        &status.connections_failed,
        "connections ended by a fault",
    )?;
    let refused = BTreeMap::from([("too_many", status.connections_refused)]);
    reasons(&mut rows, "input", &refused, "connections refused")?;
    let throttled = BTreeMap::from([("throttled", status.datapoints_throttled)]);
    reasons(&mut rows, "input", &throttled, "datapoints")?;
    page.push_str("<section aria-labelledby=\"drops\"><h2 id=\"drops\">What was lost</h2>\n");
    if rows.is_empty() {
        page.push_str("<p class=\"none\">Nothing since the collector started.</p></section>\n");
        return Ok(());
    }
    writeln!(
        page,
        "<div class=\"scroll\"><table><thead><tr><th scope=\"col\">Where</th><th scope=\"col\">Reason</th>\
         <th scope=\"col\" class=\"number\">How many</th><th scope=\"col\">Of what</th></tr></thead><tbody>\n\
         {rows}</tbody></table></div></section>"
    )
}

fn reasons(rows: &mut String, place: &str, sums: &BTreeMap<&str, u64>, unit: &str) -> fmt::Result {
    for (reason, sum) in sums.iter().filter(|(_, sum)| **sum > 0) {
        writeln!(
            rows,
            "<tr><th scope=\"row\">{place}</th><td>{}</td><td class=\"number\">{}</td><td>{unit}</td></tr>",
            reason.replace('_', " "),
            Count(*sum),
        )?;
    }
    Ok(())
}

fn senders(page: &mut String, status: &Status) -> fmt::Result {
    page.push_str("<section aria-labelledby=\"senders\"><h2 id=\"senders\">What the node sends</h2>\n");
    if status.senders.is_empty() {
        page.push_str("<p class=\"none\">Nothing in the last minutes.</p></section>\n");
        return Ok(());
    }
    page.push_str(
        "<div class=\"scroll\"><table class=\"senders\"><thead><tr><th scope=\"col\">Task</th>\
         <th scope=\"col\" class=\"number\">Datapoints/s</th><th scope=\"col\">Last 2 minutes</th>\
         <th scope=\"col\" class=\"number wide\">Series</th></tr></thead><tbody>\n",
    );
    for sender in &status.senders {
        row(page, sender)?;
    }
    if status.others > 0 || status.others_per_second > 0.0 {
        writeln!(
            page,
            "<tr><th scope=\"row\"><span class=\"name\">All others</span></th><td class=\"number\">{}</td>\
             <td></td><td class=\"wide\"></td></tr>",
            Rate(status.others_per_second)
        )?;
    }
    page.push_str("</tbody></table></div></section>\n");
    Ok(())
}

fn row(page: &mut String, sender: &Sender) -> fmt::Result {
    write!(
        page,
        "<tr><th scope=\"row\"><span class=\"name\">{}</span>",
        Escaped(&sender.name)
    )?;
    if let Some(framework) = &sender.framework {
        write!(page, " <span class=\"framework\">{}</span>", Escaped(framework))?;
    }
    if let Some(id) = &sender.container_id {
        write!(page, "<span class=\"id\">{}</span>", Escaped(id))?;
    }
    let sparkline = Sparkline {
        history: &sender.history,
        samples: 60,
        label: "Datapoints per second in the last two minutes",
    };
    writeln!(
        page,
        "</th><td class=\"number\">{}</td><td>{sparkline}</td><td class=\"number wide\">{}</td></tr>",
        Rate(sender.datapoints_per_second),
        Count(sender.series as u64),
    )
}

/// A time as people say it, in its two largest units.
struct Uptime(u64);

impl Display for Uptime {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (minutes, hours, days) = (self.0 / 60, self.0 / 3600, self.0 / 86_400);
        match () {
            () if days > 0 => write!(f, "{days} d {} h", hours % 24),
            () if hours > 0 => write!(f, "{hours} h {} min", minutes % 60),
            () if minutes > 0 => write!(f, "{minutes} min {} s", self.0 % 60),
            () => write!(f, "{} s", self.0),
        }
    }
}

/// A text from outside, for use between tags or in an attribute in double quotes. No more than [`TEXT_CHARS`] of it.
struct Escaped<'a>(&'a str);

/// Names and ids are shorter; longer ones are cut.
const TEXT_CHARS: usize = 200;

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut characters = self.0.chars();
        for character in characters.by_ref().take(TEXT_CHARS) {
            match character {
                '&' => f.write_str("&amp;"),
                '<' => f.write_str("&lt;"),
                '>' => f.write_str("&gt;"),
                '"' => f.write_str("&quot;"),
                '\'' => f.write_str("&#39;"),
                // Nothing invisible, and nothing that turns the direction of what follows.
                '\0'..='\u{1f}'
                | '\u{7f}'..='\u{9f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}' => f.write_char('\u{fffd}'),
                _ => f.write_char(character),
            }?;
        }
        if characters.next().is_some() {
            f.write_char('…')?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaping() {
        for (text, expected) in [
            ("web-server.1", "web-server.1"),
            (
                "<script>alert(1)</script>",
                "&lt;script&gt;alert(1)&lt;/script&gt;",
            ),
            (r#"" onload='x' &amp;"#, "&quot; onload=&#39;x&#39; &amp;amp;"),
            ("a\0b\nc\u{202e}d\u{7f}", "a\u{fffd}b\u{fffd}c\u{fffd}d\u{fffd}"),
            ("größe 日本", "größe 日本"),
        ] {
            assert_eq!(Escaped(text).to_string(), expected);
        }
        assert_eq!(Escaped(&"ä".repeat(200)).to_string(), "ä".repeat(200));
        assert_eq!(Escaped(&"<".repeat(201)).to_string(), "&lt;".repeat(200) + "…");
    }

    #[test]
    fn uptimes() {
        for (seconds, expected) in [
            (0, "0 s"),
            (59, "59 s"),
            (61, "1 min 1 s"),
            (3600, "1 h 0 min"),
            (90_000, "1 d 1 h"),
        ] {
            assert_eq!(Uptime(seconds).to_string(), expected);
        }
    }
}
