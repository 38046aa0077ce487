//! `smsfactory carrier trace`: the PDUs of a carrier in both directions.

use axum::http::Method;
use serde_json::{Value, json};

use super::super::client::{Door, escaped, query};
use super::super::{Failed, output};

/// The time that a request waits for further PDUs, in seconds.
const WAIT_SECS: u64 = 10;

#[derive(Debug, clap::Args)]
pub(super) struct Trace {
    /// The name of the carrier in the configuration
    name: String,
    /// The length of the trace
    #[arg(long, default_value_t = 60, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// Show texts and whole numbers; by default they are masked
    #[arg(long)]
    texts: bool,
    /// Show only the PDUs of this message
    #[arg(long, value_name = "ID")]
    message: Option<String>,
}

impl Trace {
    /// Switches the trace on, and prints PDUs until it ends.
    pub(super) async fn run(self, door: &Door) -> Result<(), Failed> {
        let path = format!("/carriers/{}/trace", escaped(&self.name));
        let begin = json!({ "seconds": self.seconds, "texts": self.texts });
        let begun = door.ask(Method::POST, &path, Some(&begin)).await?;
        if !door.json {
            let masked = if self.texts { "" } else { "; texts and numbers are masked (`--texts` shows them)" };
            output::note(format!("tracing carrier {} until {}{masked}", self.name, text(&begun["until"])));
        }
        let mut next = begun["next"].as_u64().unwrap_or(0);
        loop {
            let asked = query(&[
                ("after", Some(next.to_string())),
                ("wait", Some(WAIT_SECS.to_string())),
                ("message", self.message.clone()),
            ]);
            let page = door.ask(Method::GET, &format!("{path}{asked}"), None).await?;
            next = page["next"].as_u64().unwrap_or(next);
            if let Some(missed) = page["missed"].as_u64().filter(|missed| *missed > 0) {
                let pdus = output::counted(missed, "PDU");
                output::note(format!("{pdus} missing: the carrier was faster than this command"));
            }
            let pdus = page["data"].as_array().map_or(&[][..], Vec::as_slice);
            pdus.iter().for_each(|pdu| show(pdu, door.json));
            if pdus.is_empty() && page["on"] != true {
                return Ok(());
            }
        }
    }
}

fn show(pdu: &Value, as_json: bool) {
    if as_json {
        return output::say(pdu);
    }
    let arrow = if pdu["direction"] == "out" { "->" } else { "<-" };
    let mut line = format!("{} {arrow} {}", text(&pdu["at"]), text(&pdu["operation"]));
    for (title, field) in [("#", "sequence"), ("session ", "session"), ("", "status"), ("", "messageId")] {
        if !pdu[field].is_null() {
            line.push_str(&format!("  {title}{}", text(&pdu[field])));
        }
    }
    output::say(line);
    if let Some(why) = pdu["unreadable"].as_str() {
        output::say(format!("    {why}"));
    }
    let fields = pdu["fields"].as_array().map_or(&[][..], Vec::as_slice);
    let shown: Vec<String> = fields
        .iter()
        .filter(|field| field["value"] != "")
        .map(|field| format!("{}={}", text(&field["name"]), text(&field["value"])))
        .collect();
    if !shown.is_empty() {
        output::say(format!("    {}", shown.join(" ")));
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
