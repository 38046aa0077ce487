//! `smsfactory webhook`: the endpoints of an account, with one of its API keys; for the operator the endpoints of all
//! accounts.

mod listen;

use axum::http::{Method, StatusCode};
use clap::Subcommand;
use serde_json::{Value, json};

use super::client::{Door, escaped, exchange};
use super::holder::Holder;
use super::paging::Length;
use super::refusal::refused;
use super::{Failed, choices, output};

const BASE: &str = "/api/v1/messaging";

#[derive(Debug, clap::Args)]
pub(super) struct Webhook {
    #[command(flatten)]
    door: Door,
    #[command(flatten)]
    holder: Holder,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Lists the endpoints of the key's account
    List {
        /// List the endpoints of all accounts, with the admin token instead of a key
        #[arg(long)]
        all: bool,
        /// Only endpoints of this account
        #[arg(long, requires = "all")]
        account: Option<String>,
    },
    /// Creates an endpoint, and prints its secret
    Create {
        /// The https URL to which the platform sends events
        #[arg(value_name = "URL")]
        endpoint: String,
        /// A type of events: a name, a prefix such as `messaging.outgoing.*`, or `*`; may be repeated
        #[arg(long = "event", value_name = "PATTERN")]
        events: Vec<String>,
        /// A description
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
        /// The order of events: of each message, of all events, or none
        #[arg(long, value_parser = choices::orderings())]
        ordering: Option<String>,
        /// Send events of the messages of broadcasts, too
        #[arg(long)]
        broadcast_messages: bool,
        /// The format of requests: JSON, or forms as Twilio's API sends them
        #[arg(long, value_parser = choices::formats())]
        format: Option<String>,
    },
    /// Gives an endpoint a new secret, and prints it; for a day both secrets sign
    Rotate {
        /// The id of the endpoint
        id: String,
    },
    /// Lists deliveries, newest event first
    Deliveries {
        /// The id of the endpoint
        id: String,
        /// Only deliveries with this status
        #[arg(long, value_parser = choices::delivery_statuses())]
        status: Option<String>,
        /// Only deliveries of events of this type
        #[arg(long = "type", value_name = "TYPE")]
        kind: Option<String>,
        #[command(flatten)]
        length: Length,
        /// Name an endpoint of any account, with the admin token instead of a key
        #[arg(long)]
        as_operator: bool,
    },
    /// Delivers events again, under the same ids
    Replay {
        /// The id of the endpoint
        id: String,
        /// Deliver events of this time or later, as in RFC 3339
        #[arg(long, value_name = "TIME", value_parser = choices::time, required_unless_present = "event_ids")]
        since: Option<String>,
        /// Deliver only events before this time
        #[arg(long, value_name = "TIME", value_parser = choices::time, requires = "since")]
        until: Option<String>,
        /// Deliver only events with a delivery of this status
        #[arg(long, requires = "since", value_parser = choices::delivery_statuses())]
        status: Option<String>,
        /// Deliver this event; may be repeated
        #[arg(long = "event", value_name = "ID", conflicts_with = "since")]
        event_ids: Vec<String>,
        /// Name an endpoint of any account, with the admin token instead of a key
        #[arg(long)]
        as_operator: bool,
    },
    /// Delivers a test event now, and prints the response of the endpoint
    Test {
        /// The id of the endpoint
        id: String,
    },
    /// Forwards the account's events, signed, to a URL on this machine, until Ctrl-C
    Listen(listen::Listen),
}

/// The columns of a list.
const COLUMNS: [(&str, &str); 7] = [
    ("ID", "/id"),
    ("URL", "/url"),
    ("ACTIVE", "/active"),
    ("ORDERING", "/ordering"),
    ("BACKLOG", "/backlog"),
    ("FAILING SINCE", "/failingSince"),
    ("DISABLED", "/disabledReason"),
];

impl Webhook {
    pub(super) async fn run(self) -> Result<(), Failed> {
        let (door, holder) = (&self.door, &self.holder);
        match self.action {
            Action::List { all: true, account } => {
                let answer = Length::WHOLE.gather(door, "/webhooks", &[("accountId", account)]).await?;
                let mut columns = COLUMNS.to_vec();
                columns.insert(1, ("ACCOUNT", "/accountId"));
                columns.insert(2, ("MODE", "/mode"));
                output::list(&answer, &columns, door.json);
            }
            Action::List { all: false, .. } => {
                output::list(&holder.ask(Method::GET, "/webhook", None).await?, &COLUMNS, door.json);
            }
            Action::Create { endpoint, events, description, ordering, broadcast_messages, format } => {
                let mut body = json!({ "url": endpoint, "broadcastMessages": broadcast_messages });
                if !events.is_empty() {
                    body["events"] = json!(events);
                }
                body["description"] = json!(description);
                body["ordering"] = json!(ordering);
                body["format"] = json!(format);
                output::one(&holder.ask(Method::POST, "/webhook", Some(&body)).await?, door.json);
            }
            Action::Rotate { id } => {
                let path = format!("/webhook/{}/rotate", escaped(&id));
                output::one(&holder.ask(Method::POST, &path, Some(&json!({}))).await?, door.json);
            }
            Action::Deliveries { id, status, kind, length, as_operator } => {
                let (id, filter) = (escaped(&id), [("status", status), ("type", kind)]);
                let page = async |given: String| match as_operator {
                    true => door.ask(Method::GET, &format!("/webhooks/{id}/deliveries{given}"), None).await,
                    false => holder.ask(Method::GET, &format!("/webhook/{id}/delivery{given}"), None).await,
                };
                deliveries(&length.pages(&filter, page).await?, door.json);
            }
            Action::Replay { id, since, until, status, event_ids, as_operator } => {
                let body = if event_ids.is_empty() {
                    json!({ "since": since, "until": until, "status": status })
                } else {
                    json!({ "eventIds": event_ids })
                };
                let id = escaped(&id);
                let answer = match as_operator {
                    true => door.ask(Method::POST, &format!("/webhooks/{id}/replay"), Some(&body)).await?,
                    false => holder.ask(Method::POST, &format!("/webhook/{id}/replay"), Some(&body)).await?,
                };
                output::one(&answer, door.json);
            }
            Action::Test { id } => {
                let path = format!("/webhook/{}/test", escaped(&id));
                output::one(&holder.ask(Method::POST, &path, Some(&json!({}))).await?, door.json);
            }
            Action::Listen(listen) => listen.run(holder, door.json).await?,
        }
        Ok(())
    }
}

/// Prints deliveries. People see the last attempt of each in its line.
fn deliveries(answer: &Value, as_json: bool) {
    let mut shown = answer.clone();
    for delivery in shown["data"].as_array_mut().into_iter().flatten().filter(|_| !as_json) {
        let attempts = delivery["attempts"].as_array().cloned().unwrap_or_default();
        delivery["tries"] = attempts.len().into();
        delivery["last"] = attempts.last().cloned().unwrap_or_default();
    }
    let columns = [
        ("EVENT", "/eventId"),
        ("TYPE", "/type"),
        ("TIME", "/timestamp"),
        ("STATUS", "/status"),
        ("ATTEMPTS", "/tries"),
        ("HTTP", "/last/httpStatus"),
        ("CAUSE", "/last/cause"),
        ("NEXT", "/nextAttemptAt"),
    ];
    output::list(&shown, &columns, as_json);
}

impl Holder {
    /// Asks the public API below its base.
    async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Failed> {
        let text = body.map(Value::to_string).unwrap_or_default();
        let path = format!("{BASE}{path}");
        let answer = exchange(self.target(), &method, &path, &self.authorization()?, text).await?;
        match answer.status {
            StatusCode::NO_CONTENT => Ok(Value::Null),
            status if status.is_success() => Ok(answer.body),
            status => Err(refused(status, &answer.body)),
        }
    }
}
