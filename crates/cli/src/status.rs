//! `smsfactory status`: the state of the platform, and everything that needs attention.

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
        "Messages a second at this node: {} accepted, {} sent, {} delivered, {} failed\n",
        now["accepted"], now["sent"], now["delivered"], now["failed"]
    ));
    output::list(&json!({ "data": overview["carriers"] }), &CARRIERS, false);
    for queue in overview["queue"].as_array().into_iter().flatten() {
        let carrier = queue["carrier"].as_str().unwrap_or("a route");
        let queued = output::counted(output::count_in(queue, "queued"), "message");
        output::say(format!("\n{queued} queued for {carrier}, the oldest since {}", words(&queue["oldestAt"])));
    }
    let attention = overview["attention"].as_array().map_or(&[][..], Vec::as_slice);
    if attention.is_empty() {
        return output::say("\nNothing needs attention.");
    }
    for needs in attention {
        let since = needs["since"].as_str().map(|at| format!(" (since {at})")).unwrap_or_default();
        output::attention(
            &format!("{}{since}.", words(&needs["sentence"])),
            &format!("{}.", words(&needs["whatToDo"])),
        );
    }
}

fn words(value: &Value) -> &str {
    value.as_str().unwrap_or("-")
}
