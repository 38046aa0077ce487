//! `smsfactory status`: how the platform does, at a glance.

use axum::http::Method;
use serde_json::{Value, json};

use super::client::Door;
use super::{Failed, output};

#[derive(Debug, clap::Args)]
pub(super) struct Status {
    #[command(flatten)]
    door: Door,
}

const CARRIERS: [(&str, &str); 8] = [
    ("CARRIER", "/name"),
    ("STATE", "/state"),
    ("SESSIONS", "/sessions/used"),
    ("OF", "/sessions/of"),
    ("QUEUED", "/queued"),
    ("SENT", "/sent"),
    ("PER SECOND", "/throughput"),
    ("LAST ERROR", "/lastError"),
];

impl Status {
    pub(super) async fn run(self) -> Result<(), Failed> {
        let door = &self.door;
        let series = if door.json { "all" } else { "none" };
        let overview = door.ask(Method::GET, &format!("/overview?rates={series}"), None).await?;
        if door.json {
            output::say(&overview);
        } else {
            show(&overview);
        }
        Ok(())
    }
}

fn show(overview: &Value) {
    let (node, now) = (&overview["node"], &overview["now"]);
    output::say(format!("Node {} of {}, at {}", words(&node["name"]), node["of"], words(&overview["at"])));
    output::say(format!(
        "A second: {} accepted, {} sent, {} delivered, {} failed, at this node\n",
        now["accepted"], now["sent"], now["delivered"], now["failed"]
    ));
    output::list(&json!({ "data": overview["carriers"] }), &CARRIERS, false);
    for queue in overview["queue"].as_array().into_iter().flatten() {
        let carrier = queue["carrier"].as_str().unwrap_or("a route");
        output::say(format!(
            "\n{} queued for {carrier}, the oldest since {}",
            queue["queued"],
            words(&queue["oldestAt"])
        ));
    }
    let attention = overview["attention"].as_array().map_or(&[][..], Vec::as_slice);
    if attention.is_empty() {
        return output::say("\nNothing needs attention.");
    }
    for needs in attention {
        let since = needs["since"].as_str().map(|at| format!(" (since {at})")).unwrap_or_default();
        output::say(format!("\n! {}{since}.\n  {}.", words(&needs["sentence"]), words(&needs["whatToDo"])));
    }
}

fn words(value: &Value) -> &str {
    value.as_str().unwrap_or("-")
}
