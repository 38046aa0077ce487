//! `smsfactory webhook`: endpoints of an account, as the holder of one of its API keys; for the operator a list of all.

mod listen;

use axum::http::{Method, StatusCode};
use clap::Subcommand;
use serde_json::{Value, json};

use super::client::{self, Door, escaped, exchange, query};
use super::holder::Holder;
use super::{Failed, output};

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
        /// List the endpoints of every account, with the admin token instead of a key
        #[arg(long)]
        all: bool,
        /// Of these, the endpoints of this account
        #[arg(long, requires = "all")]
        account: Option<String>,
    },
    /// Creates an endpoint and prints its secret
    Create {
        /// The URL for events, with https
        #[arg(value_name = "URL")]
        endpoint: String,
        /// The types of events: names, prefixes such as `messaging.outgoing.*`, or `*`
        #[arg(long = "event", value_name = "PATTERN")]
        events: Vec<String>,
        /// A description of yours
        #[arg(long)]
        description: Option<String>,
        /// The order of events: message, strict or none
        #[arg(long)]
        ordering: Option<String>,
        /// Send events of the messages of broadcasts as well
        #[arg(long)]
        broadcast_messages: bool,
        /// What requests look like: json, or twilio for forms as Twilio's API sends them
        #[arg(long)]
        format: Option<String>,
    },
    /// Gives an endpoint a new secret and prints it; for a day both secrets sign
    Rotate {
        /// The id of the endpoint
        id: String,
    },
    /// Lists deliveries, newest event first
    Deliveries {
        /// The id of the endpoint
        id: String,
        /// pending, succeeded or failed
        #[arg(long)]
        status: Option<String>,
        /// Events of this type
        #[arg(long = "type")]
        kind: Option<String>,
        /// Deliveries to show, at most 100
        #[arg(long)]
        limit: Option<u32>,
        /// The cursor that an earlier list ended with
        #[arg(long)]
        cursor: Option<String>,
        /// An endpoint of any account, with the admin token instead of a key
        #[arg(long)]
        as_operator: bool,
    },
    /// Delivers events again, under the same ids
    Replay {
        /// The id of the endpoint
        id: String,
        /// Events of this time or later, as in RFC 3339
        #[arg(long, required_unless_present = "event_ids")]
        since: Option<String>,
        /// Events before this time
        #[arg(long, requires = "since")]
        until: Option<String>,
        /// Events with deliveries of this status: pending, succeeded or failed
        #[arg(long, requires = "since")]
        status: Option<String>,
        /// These events
        #[arg(long = "event", value_name = "ID", conflicts_with = "since")]
        event_ids: Vec<String>,
        /// An endpoint of any account, with the admin token instead of a key
        #[arg(long)]
        as_operator: bool,
    },
    /// Delivers a test event now and prints the endpoint's response
    Test {
        /// The id of the endpoint
        id: String,
    },
    /// Forwards the account's events, signed, to an address of yours, until Ctrl-C
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
                let query = query(&[("accountId", account)]);
                let answer = door.ask(Method::GET, &format!("/webhooks{query}"), None).await?;
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
            Action::Deliveries { id, status, kind, limit, cursor, as_operator } => {
                let limit = limit.map(|limit| limit.to_string());
                let given = query(&[("status", status), ("type", kind), ("limit", limit), ("cursor", cursor)]);
                let id = escaped(&id);
                let answer = match as_operator {
                    true => door.ask(Method::GET, &format!("/webhooks/{id}/deliveries{given}"), None).await?,
                    false => holder.ask(Method::GET, &format!("/webhook/{id}/delivery{given}"), None).await?,
                };
                deliveries(&answer, door.json);
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

/// Prints deliveries. For people the last attempt of each is in its line.
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
        let answer = exchange(&self.api_url, &method, &path, &self.authorization()?, text).await?;
        match answer.status {
            StatusCode::NO_CONTENT => Ok(Value::Null),
            status if status.is_success() => Ok(answer.body),
            status => Err(client::refused(status, &answer.body)),
        }
    }
}
