//! `smsfactory broadcast send`: a file of recipients to as many broadcasts as it takes.
//!
//! It is a client of the public API and passes every check that a client passes. Its idempotency keys follow from the
//! content. So a second run, after an interruption or a refusal, sends to no recipient twice: the platform repeats its
//! answers to the accepted requests, and accepts the others.

use std::fs::File;
use std::io::Read;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use indicatif::{ProgressBar, ProgressStyle};
use model::idempotency::Fingerprint;
use model::variables::Template;
use serde_json::{Map, Value, json};

use super::super::machine;
use super::recipients::{self, Listed, Recipient};
use super::{COLUMNS, Failed, output};
use crate::client::{self, Answer, Target, escaped, exchange};
use crate::holder::Holder;
use crate::refusal::refused;

const BASE: &str = "/api/v1/messaging/broadcast";

/// The default number of recipients in a request: as many as the platform takes by default.
const PER_REQUEST: NonZeroUsize = NonZeroUsize::new(50_000).expect("it is not zero");

/// How many bad lines are printed.
const BAD_TOLD_MAX: usize = 1_000;

/// How often the command sends a request that gets no answer, or is to be sent again later.
const TRIES: u32 = 20;

/// The wait before such another try if the answer names none.
const AGAIN: Duration = Duration::from_secs(1);

/// The time between two looks at the progress of the broadcasts.
const LOOK: Duration = Duration::from_secs(1);

#[derive(Debug, clap::Args)]
pub(super) struct Send {
    /// The sender: a number, short code or name of the account
    #[arg(long, value_name = "SENDER")]
    from: String,
    /// The recipients: a number a line, or CSV with a column `to`, `number` or `phone`, and a column for each variable
    /// in the text; `-` for standard input
    #[arg(long, value_name = "FILE")]
    to_file: PathBuf,
    /// The text; `{{name}}` stands for the value in the column `name`
    #[arg(long, value_name = "TEXT", required_unless_present = "body_file")]
    body: Option<String>,
    /// A file with the text
    #[arg(long, value_name = "FILE", conflicts_with = "body")]
    body_file: Option<PathBuf>,
    /// A name that distinguishes this broadcast from an earlier one with the same text and recipients
    #[arg(long, default_value = "", hide_default_value = true)]
    name: String,
    /// Skip bad lines, and send to the recipients of the others
    #[arg(long)]
    skip_bad_lines: bool,
    /// The maximum number of recipients in one request
    #[arg(long, default_value_t = PER_REQUEST)]
    per_request: NonZeroUsize,
    /// Do not wait until the platform has sent to every recipient
    #[arg(long)]
    detach: bool,
    #[command(flatten)]
    holder: Holder,
}

impl Send {
    pub(super) async fn run(self, as_json: bool) -> Result<(), Failed> {
        let body = match &self.body_file {
            Some(file) => client::read(file)?,
            None => self.body.clone().unwrap_or_default(),
        };
        // The server explains the mistake in a text that is not a template.
        let template = Template::parse(&body).ok();
        let variables = template.as_ref().map(Template::names).unwrap_or_default();
        let recipients = self.recipients(variables)?;
        let client = Client { target: self.holder.target(), authorization: self.holder.authorization()? };
        let bar = bar(recipients.len());
        let mut broadcasts = Vec::new();
        for part in recipients.chunks(self.per_request.get()) {
            bar.set_message("sending");
            match client.send(&self.request((&body, variables), part), &bar).await {
                Ok(broadcast) => broadcasts.push(broadcast),
                Err(Unsent { failed, may_succeed_later }) => {
                    bar.abandon();
                    report(&broadcasts, as_json);
                    if !may_succeed_later && broadcasts.is_empty() {
                        return Err(failed);
                    }
                    return Err(Failed::new(format!(
                        "{failed}; run the command again: no recipient gets a message twice"
                    )));
                }
            }
        }
        if !self.detach {
            client.follow(&mut broadcasts, &bar).await?;
        }
        bar.finish_and_clear();
        report(&broadcasts, as_json);
        Ok(())
    }

    /// The recipients, after a check of every line.
    fn recipients(&self, variables: &[&str]) -> Result<Vec<Recipient>, Failed> {
        let mut file = Vec::new();
        let read = if self.to_file.as_os_str() == "-" {
            std::io::stdin().read_to_end(&mut file)
        } else {
            File::open(&self.to_file).and_then(|mut opened| opened.read_to_end(&mut file))
        };
        read.map_err(|error| Failed::new(format!("cannot read {}: {error}", self.to_file.display())))?;
        let Listed { recipients, bad } = recipients::read(&file, variables);
        bad.iter()
            .take(BAD_TOLD_MAX)
            .for_each(|(line, mistake)| output::note(format!("{} line {line}: {mistake}", self.to_file.display())));
        if bad.len() > BAD_TOLD_MAX {
            output::note(format!("and {} more", bad.len() - BAD_TOLD_MAX));
        }
        match (bad.len(), recipients.is_empty()) {
            (0, false) => Ok(recipients),
            (_, false) if self.skip_bad_lines => Ok(recipients),
            (0, true) => Err(Failed::new("there is no recipient in the file")),
            (count, _) => {
                let lines = output::counted(count as u64, "bad line");
                Err(Failed::new(format!("nothing was sent: {lines} (--skip-bad-lines sends to the others)")))
            }
        }
    }

    fn request(&self, (body, variables): (&str, &[&str]), part: &[Recipient]) -> Value {
        let numbers: Vec<String> = part.iter().map(|recipient| recipient.number.to_string()).collect();
        let mut values = vec![Some(self.name.as_str()), Some(self.from.as_str()), Some(body)];
        values.extend(numbers.iter().map(|number| Some(number.as_str())));
        values.extend(part.iter().flat_map(|recipient| &recipient.values).map(|value| Some(value.as_str())));
        let key: String = Fingerprint::of(&values).0.iter().map(|byte| format!("{byte:02x}")).collect();
        let with_variables = |(number, Recipient { values, .. }): (String, &Recipient)| {
            let named = variables.iter().zip(values).map(|(name, value)| ((*name).to_owned(), value.as_str().into()));
            json!({ "to": number, "variables": named.collect::<Map<_, _>>() })
        };
        let recipients: Value = match variables {
            [] => numbers.into(),
            _ => numbers.into_iter().zip(part).map(with_variables).collect(),
        };
        json!({ "recipients": recipients, "from": self.from, "body": body, "idempotencyKey": format!("file-{key}") })
    }
}

/// A request that the platform did not accept, or left without an answer.
struct Unsent {
    failed: Failed,
    /// Whether the same request may succeed at another time.
    may_succeed_later: bool,
}

/// A client of the public API.
struct Client<'a> {
    target: Target<'a>,
    authorization: String,
}

impl Client<'_> {
    /// Sends one request, again if it gets no answer or is to be sent again later: the platform accepts its idempotency
    /// key once.
    async fn send(&self, request: &Value, bar: &ProgressBar) -> Result<Value, Unsent> {
        let text = request.to_string();
        let mut last = Failed::new("");
        for _ in 0..TRIES {
            let wait = match exchange(self.target, &Method::POST, BASE, &self.authorization, text.clone()).await {
                Ok(answer) if answer.status == StatusCode::CREATED => return Ok(answer.body),
                Ok(Answer { status, retry_after, body }) => {
                    last = refused(status, &body);
                    // The daily quota (33012) returns at midnight: too long to wait for here.
                    match body["code"].as_u64() {
                        Some(33002 | 33105) => retry_after.unwrap_or(AGAIN),
                        code => return Err(Unsent { failed: last, may_succeed_later: code == Some(33012) }),
                    }
                }
                Err(failed) => {
                    last = failed;
                    AGAIN
                }
            };
            bar.set_message(format!("waiting {} s: {last}", wait.as_secs()));
            machine().sleep(wait).await;
        }
        Err(Unsent { failed: last, may_succeed_later: true })
    }

    /// Waits until the platform has sent to every recipient.
    async fn follow(&self, broadcasts: &mut [Value], bar: &ProgressBar) -> Result<(), Failed> {
        bar.set_message("");
        bar.reset_elapsed();
        bar.reset_eta();
        loop {
            let mut waiting = 0;
            for broadcast in broadcasts.iter_mut().filter(|broadcast| is_open(broadcast)) {
                let path = format!("{BASE}/{}", escaped(broadcast["id"].as_str().unwrap_or_default()));
                let answer = exchange(self.target, &Method::GET, &path, &self.authorization, String::new()).await?;
                match answer.status {
                    StatusCode::OK => *broadcast = answer.body,
                    StatusCode::TOO_MANY_REQUESTS => machine().sleep(answer.retry_after.unwrap_or(AGAIN)).await,
                    status => return Err(refused(status, &answer.body)),
                }
                waiting += usize::from(is_open(broadcast));
            }
            bar.set_position(broadcasts.iter().map(left).sum());
            if waiting == 0 {
                return Ok(());
            }
            machine().sleep(LOOK).await;
        }
    }
}

fn is_open(broadcast: &Value) -> bool {
    matches!(broadcast["status"].as_str(), Some("queued" | "sending"))
}

/// The number of recipients that do not wait any more.
fn left(broadcast: &Value) -> u64 {
    let count = |name: &str| broadcast["counts"][name].as_u64().unwrap_or(0);
    count("total") - count("queued").min(count("total"))
}

fn report(broadcasts: &[Value], as_json: bool) {
    if !broadcasts.is_empty() {
        output::list(&json!({ "data": broadcasts, "nextCursor": null }), &COLUMNS, as_json);
    }
}

/// A bar on a terminal; nothing in a pipe.
fn bar(recipients: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {human_pos} of {human_len}  {per_sec}  {eta} left  {msg}");
    let bar = ProgressBar::new(recipients as u64);
    // A template that cannot be read leaves the bar as it is by default.
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
