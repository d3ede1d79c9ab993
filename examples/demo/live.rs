//! Lines per second, while it runs.

use crate::arrivals::Arrivals;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// Seconds that a container's little chart covers.
const CHART_SECONDS: usize = 30;
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// On a terminal a table redrawn in place, otherwise one line a second.
pub(crate) struct View {
    arrivals: Arc<Arrivals>,
    seconds: u64,
    in_place: bool,
    /// Lines on the screen that the next table replaces.
    drawn: usize,
    containers: Vec<Rates>,
}

/// What the last second brought of one container.
#[derive(Clone, Debug, Default)]
struct Rates {
    statsd_total: u64,
    collector_total: u64,
    statsd: u64,
    collector: u64,
    /// Lines at the StatsD end, oldest second first.
    chart: VecDeque<u64>,
}

impl View {
    pub(crate) fn new(arrivals: Arc<Arrivals>, seconds: u64) -> Self {
        let containers = vec![Rates::default(); arrivals.containers.len()];
        Self {
            arrivals,
            seconds,
            in_place: io::stdout().is_terminal(),
            drawn: 0,
            containers,
        }
    }

    /// Draws the rates since the last call, which was a second ago.
    pub(crate) fn show(&mut self, second: u64) {
        for (index, rates) in self.containers.iter_mut().enumerate() {
            let (statsd, collector) = (
                &self.arrivals.statsd.tasks[index],
                &self.arrivals.collector.tasks[index],
            );
            rates.advance(statsd.load(Relaxed), collector.load(Relaxed));
        }
        let text = if self.in_place {
            self.table(second)
        } else {
            self.line(second)
        };
        // Whoever has stopped watching still gets the balance's exit code.
        let _ = io::stdout().lock().write_all(text.as_bytes());
        let _ = io::stdout().flush();
    }

    fn table(&mut self, second: u64) -> String {
        let mut lines = vec![
            format!(
                "Second {second} of {}; lines per second of each container:",
                self.seconds
            ),
            format!("  {:<12} {:>12} {:>12}", "container", "StatsD out", "collector"),
        ];
        for (name, rates) in self.arrivals.containers.iter().zip(&self.containers) {
            let Rates {
                statsd, collector, ..
            } = rates;
            lines.push(format!(
                "  {name:<12} {statsd:>12} {collector:>12}  {}",
                rates.bars()
            ));
        }
        let mut text = String::new();
        if self.drawn > 0 {
            let _ = write!(text, "\x1b[{}A", self.drawn);
        }
        for line in &lines {
            let _ = writeln!(text, "\x1b[2K{line}");
        }
        self.drawn = lines.len();
        text
    }

    fn line(&self, second: u64) -> String {
        let mut text = format!("{second:>4} s  lines/s (StatsD out, collector):");
        for (name, rates) in self.arrivals.containers.iter().zip(&self.containers) {
            let _ = write!(text, "  {name} {} {}", rates.statsd, rates.collector);
        }
        text.push('\n');
        text
    }
}

impl Rates {
    fn advance(&mut self, statsd_total: u64, collector_total: u64) {
        self.statsd = statsd_total - self.statsd_total;
        self.collector = collector_total - self.collector_total;
        self.statsd_total = statsd_total;
        self.collector_total = collector_total;
        self.chart.push_back(self.statsd);
        if self.chart.len() > CHART_SECONDS {
            self.chart.pop_front();
        }
    }

    fn bars(&self) -> String {
        let most = self.chart.iter().copied().max().unwrap_or_default().max(1);
        let bar = |rate: &u64| usize::try_from(rate * (BARS.len() as u64 - 1) / most).ok();
        self.chart
            .iter()
            .filter_map(|rate| BARS.get(bar(rate)?))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(in_place: bool) -> View {
        let arrivals = Arc::new(Arrivals::new(&["a", "b"]));
        View {
            in_place,
            ..View::new(arrivals, 9)
        }
    }

    #[test]
    fn rates_are_differences() {
        let mut rates = Rates::default();
        rates.advance(100, 50);
        rates.advance(107, 50);
        assert_eq!((rates.statsd, rates.collector), (7, 0));
        assert_eq!(rates.bars(), "█▁");
    }

    #[test]
    fn a_table_replaces_the_one_before() {
        let mut view = view(true);
        assert!(!view.table(1).contains("\x1b[4A"));
        let second = view.table(2);
        assert!(second.starts_with("\x1b[4A"));
        assert_eq!(second.lines().count(), 4);
    }

    #[test]
    fn without_a_terminal_it_is_one_plain_line() {
        let line = view(false).line(3);
        assert_eq!(line, "   3 s  lines/s (StatsD out, collector):  a 0 0  b 0 0\n");
    }
}
