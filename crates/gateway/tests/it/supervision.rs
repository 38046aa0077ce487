//! A task that must run as long as the process: its end ends the process, in order and with a word.

use std::sync::Arc;

use runtime::{Breakable, Machine};
use serde_json::json;
use server::app::App;
use server::real::OsEntropy;

use crate::support::http::Ask;
use crate::support::{RECIPIENT, Stage};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_panics_is_seen_at_once_and_ends_the_process_in_order() {
    let runtime = Arc::new(Breakable::new(Arc::new(Machine::new()), "omitted log lines"));
    let mut stage = Stage::on(runtime.clone(), Arc::new(OsEntropy), Arc::default(), |_, _| {}).await;
    let tenant = stage.tenant().await;
    let sent = stage.send(&tenant, RECIPIENT, "hello").await;
    stage.reaches(&tenant, &sent["id"], "delivered").await;
    let ready = Ask::new("GET", "/readyz");
    assert_eq!(ready.send(stage.admin).await.expect(200)["tasks"], "ok");
    runtime.break_task();
    let sentence = "the task `omitted log lines` panicked: broken by a test";
    let why = stage.app().failed().await;
    assert_eq!(why, format!("{sentence}; the process ends, because it cannot work without that task"));
    assert_eq!(
        ready.send(stage.admin).await.expect(503),
        json!({ "status": "unavailable", "draining": false, "store": "ok", "tasks": sentence })
    );
    let waits = stage.send(&tenant, RECIPIENT, "accepted meanwhile").await;
    App::stop(stage.take_app()).await;
    stage.start_again().await;
    stage.reaches(&tenant, &waits["id"], "delivered").await;
}
