//! What the agent measures of its containers.

use crate::node::{Node, Setup};
use crate::task::{Execution, Task};
use crate::two_tasks::arrived;

#[test]
fn arrives_under_the_identity_of_the_container() {
    let setup = Setup {
        flags: &[
            "--resource_estimator=com_mesosphere_StatsResourceEstimatorModule",
            "--oversubscribed_resources_interval=100ms",
        ],
        ..Setup::default()
    };
    let Some(mut node) = Node::start(&setup) else {
        return;
    };
    let task = Task::new(&node, "measured");
    let execution = Execution::command_task(&node, &task, &[]);
    let identity = task.identity();
    node.records.wait_for("a measured usage", |lines| {
        lines
            .iter()
            .any(|line| {
                line.contains("\"usage.mem_rss_bytes\"") && line.contains("\"usage.cpus_user_time_secs\"")
            })
            .then_some(())
    });
    drop(task);
    execution.finish();
    let records = node.end_collector();
    for (of, value) in arrived(&records, "usage.mem_rss_bytes") {
        assert_eq!(of, identity);
        assert!(value > 0.0);
    }
    // 32 MB of the task and 32 MB that Mesos adds for the command's executor.
    let limits = arrived(&records, "usage.mem_limit_bytes");
    assert_eq!(limits[0], (identity, f64::from(64 << 20)));
}
