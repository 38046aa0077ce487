//! `smsfactory carrier test`: the connection to a carrier step by step, and a message through it.

use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};

use crate::client::{Door, escaped};
use crate::paging::Length;
use crate::{Failed, machine, output};

/// The time between two looks at the message.
const LOOK: Duration = Duration::from_millis(200);

#[derive(Debug, clap::Args)]
pub(super) struct Test {
    /// The name of the carrier in the configuration
    name: String,
    /// Send a message to this number through the carrier
    #[arg(long, value_name = "NUMBER")]
    to: Option<String>,
    /// The sender of the message; by default the first active sender, if only one account has senders
    #[arg(long, value_name = "SENDER", requires = "to")]
    from: Option<String>,
    /// The text of the message
    #[arg(long, value_name = "TEXT", requires = "to", default_value = "A test message from smsfactory")]
    body: String,
    /// The time to wait for the receipt
    #[arg(
        long,
        value_name = "SECONDS",
        requires = "to",
        default_value_t = 60,
        value_parser = clap::value_parser!(u64).range(1..=86_400)
    )]
    wait: u64,
}

const STEPS: [(&str, &str); 5] =
    [("STEP", "/step"), ("OK", "/ok"), ("MS", "/tookMs"), ("FOUND", "/detail"), ("HINT", "/hint")];

impl Test {
    pub(super) async fn run(self, door: &Door) -> Result<(), Failed> {
        let tested = self.connect(door).await?;
        let Some(to) = self.to.as_deref().filter(|_| tested["ok"] == true) else {
            if door.json {
                output::say(&tested);
            }
            return self.passed(&tested);
        };
        let message = self.send(door, to).await?;
        let message = self.followed(door, &message).await?;
        let judged = self.judged(&message);
        if door.json {
            let mut answer = tested;
            answer["message"] = message;
            output::say(answer);
        }
        judged
    }

    /// Tests the connection. People see its steps.
    async fn connect(&self, door: &Door) -> Result<Value, Failed> {
        let tested = door.ask(Method::POST, &format!("/carriers/{}/test", escaped(&self.name)), None).await?;
        if !door.json {
            output::list(&json!({ "data": tested["steps"] }), &STEPS, false);
            tested["note"].as_str().into_iter().for_each(|note| output::say(format!("\n{note}")));
        }
        Ok(tested)
    }

    fn passed(&self, tested: &Value) -> Result<(), Failed> {
        if tested["ok"] == true {
            return Ok(());
        }
        Err(Failed::new(format!("carrier {} did not pass the test", self.name)))
    }

    /// Sends the message, for the account of its sender.
    async fn send(&self, door: &Door, to: &str) -> Result<Value, Failed> {
        let (sender, account) = self.sender(door).await?;
        let message = json!({
            "accountId": account, "carrier": self.name, "to": to, "from": sender, "body": self.body,
        });
        let sent = door.ask(Method::POST, "/messages", Some(&message)).await?;
        if !door.json {
            output::say(format!("\n{} from {sender} to {to} through {}:\n", id_of(&sent), self.name));
        }
        Ok(sent)
    }

    /// The sender of the message, and the account that may use it.
    async fn sender(&self, door: &Door) -> Result<(String, String), Failed> {
        let account_of = |sender: &Value| sender["accountId"].as_str().map(str::to_owned);
        if let Some(from) = &self.from {
            let sender = door.ask(Method::GET, &format!("/numbers/{}", escaped(from)), None).await?;
            let account =
                account_of(&sender).ok_or_else(|| Failed::new(format!("no account has the sender {from}")))?;
            return Ok((from.clone(), account));
        }
        let listed = Length::WHOLE.gather(door, "/numbers", &[]).await?;
        let active = listed["data"].as_array().into_iter().flatten().filter(|sender| sender["state"] == "active");
        let mut senders =
            active.filter_map(|sender| Some((sender["number"].as_str()?.to_owned(), account_of(sender)?)));
        let hint = "name the sender with --from (`smsfactory number list` lists senders)";
        let first = senders.next().ok_or_else(|| Failed::new(format!("no account has an active sender: {hint}")))?;
        if senders.any(|(_, account)| account != first.1) {
            return Err(Failed::new(format!("several accounts have senders: {hint}")));
        }
        Ok(first)
    }

    /// Follows the message to its end, for at most the time to wait. People see each event at once.
    async fn followed(&self, door: &Door, sent: &Value) -> Result<Value, Failed> {
        let path = format!("/messages/{}", escaped(id_of(sent)));
        let began = machine().instant();
        let mut shown = 0;
        loop {
            let message = door.ask(Method::GET, &path, None).await?;
            let events = message["events"].as_array().map_or(&[][..], Vec::as_slice);
            if !door.json {
                events.iter().skip(shown).for_each(|event| output::say(line(event)));
            }
            shown = events.len();
            let waited = machine().instant().saturating_duration_since(began);
            if is_final(&message) || waited >= Duration::from_secs(self.wait) {
                return Ok(message);
            }
            machine().sleep(LOOK).await;
        }
    }

    /// Whether the carrier delivered the message, or a sentence about its fate.
    fn judged(&self, message: &Value) -> Result<(), Failed> {
        let (id, carrier) = (id_of(message), message["carrier"].as_str().unwrap_or_default());
        let within = output::counted(self.wait, "second");
        let failed = match message["status"].as_str().unwrap_or_default() {
            "delivered" if carrier == self.name => return Ok(()),
            "delivered" => format!("carrier {carrier} delivered {id}, not {}", self.name),
            "queued" => {
                let reason = message["waitsFor"]["sentence"].as_str().unwrap_or("an attempt is under way");
                format!("{id} did not leave within {within}: {reason}")
            }
            "sent" => format!("carrier {carrier} accepted {id}, but its receipt did not come within {within}"),
            status => format!("{id} is {status}: {}", message["errorMessage"].as_str().unwrap_or("no reason given")),
        };
        Err(Failed::new(failed))
    }
}

fn id_of(message: &Value) -> &str {
    message["id"].as_str().unwrap_or_default()
}

fn is_final(message: &Value) -> bool {
    message["status"].as_str().and_then(model::Status::parse).is_some_and(model::Status::is_final)
}

/// An event in a line.
fn line(event: &Value) -> String {
    let text = |field: &str| event[field].as_str().unwrap_or_default();
    let line = format!("{}  {:<12} {:<12} {}", text("at"), text("event"), text("carrier"), text("detail"));
    line.trim_end().to_owned()
}
