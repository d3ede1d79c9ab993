//! Units, which no datapoint carries: those that follow from the names of 6.3 and 6.4 of `reference/metrics.md`.

/// The unit of a metric of the node or of a container; empty for what tasks send, whose names mean nothing to us.
pub(super) fn unit(name: &str) -> &'static str {
    if let Some(field) = name.strip_prefix("dcos.metrics.container.") {
        return match field {
            _ if field.ends_with("_bytes") => "bytes",
            _ if field.ends_with("_secs") => "seconds",
            _ => "count",
        };
    }
    match name {
        "cpu.total" | "cpu.user" | "cpu.system" | "cpu.idle" | "cpu.wait" => "percent",
        "network.in" | "network.out" => "bytes",
        "system.uptime" | "process.count" | "cpu.cores" | "load.1min" | "load.5min" | "load.15min" => "count",
        _ if name.starts_with("filesystem.inode.") => "count",
        _ if starts_with_any(name, &["filesystem.capacity.", "memory.", "swap."]) => "bytes",
        _ if starts_with_any(name, &["network.in.", "network.out."]) => "count",
        _ => "",
    }
}

fn starts_with_any(name: &str, prefixes: &[&str]) -> bool {
    prefixes.iter().any(|prefix| name.starts_with(prefix))
}
