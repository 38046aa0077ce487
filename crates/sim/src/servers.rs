//! The servers of accounts, which receive events. They outlive the processes that send to them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use fetch::post::{Line, Post, PostError, Posted};
use model::webhook::{EventId, EventType, Webhook};
use model::{Owner, WebhookId};
use pipeline::webhook::{Secret, signatures};
use runtime::Runtime;
use serde::Deserialize;
use tokio::sync::oneshot;

use crate::chance::Chance;
use crate::executor::{Executor, ProcessId};
use crate::ledger::Ledger;
use crate::plan::hooks::{HookPlan, HookWeather};

/// All servers together.
pub(crate) struct Servers {
    executor: Executor,
    /// The world's runtime: a request on its way arrives although the process dies.
    runtime: Arc<dyn Runtime>,
    ledger: Arc<Ledger>,
    state: Mutex<State>,
}

struct State {
    chance: Chance,
    is_well: bool,
    /// The process that delivers, as far as it has been seen, and those before it.
    delivering: Vec<ProcessId>,
    servers: BTreeMap<Arc<str>, Server>,
}

/// The server behind one endpoint.
pub(crate) struct Server {
    pub(crate) plan: HookPlan,
    pub(crate) owner: Owner,
    pub(crate) id: WebhookId,
    secret: Secret,
    /// What it received.
    pub(crate) heard: BTreeMap<EventId, Heard>,
    /// In which order it received it first.
    pub(crate) order: Vec<EventId>,
    /// How many requests it had.
    pub(crate) requests: u64,
    is_gone: bool,
    /// The process that heard so, and when.
    told: Option<(ProcessId, Duration)>,
    /// Whether it is disabled on record.
    is_closed: bool,
}

/// An event that a server received.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) kind: EventType,
    pub(crate) sequence: u32,
    pub(crate) data: Data,
    pub(crate) body: String,
    /// Other octets that came under the same id.
    pub(crate) others: Vec<String>,
}

/// What [`super::show::Shown`] shows, as far as servers look at it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Data {
    pub(crate) resource: String,
    pub(crate) from: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    id: String,
    r#type: String,
    sequence: u32,
    mode: String,
    account_id: String,
    data: Data,
}

/// How long a request may take.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Requests that were under way when a process heard of 410 have begun by then.
const BEGUN_WITHIN: Duration = Duration::from_secs(10);

/// What becomes of a request.
enum Fate {
    Refused,
    Silent,
    Answered { after: Duration, status: u16, retry_after: Option<u64> },
}

impl State {
    /// A process sends something. Says whether another one has begun to since this one did: it delivers alone then.
    fn is_out_of_turn(&mut self, process: ProcessId) -> bool {
        match self.delivering.last() {
            Some(last) if *last == process => false,
            _ if self.delivering.contains(&process) => true,
            _ => {
                self.delivering.push(process);
                false
            }
        }
    }
}

impl Servers {
    pub(crate) fn new(executor: Executor, runtime: Arc<dyn Runtime>, ledger: Arc<Ledger>, chance: Chance) -> Arc<Self> {
        let state = Mutex::new(State { chance, is_well: false, delivering: Vec::new(), servers: BTreeMap::new() });
        Arc::new(Self { executor, runtime, ledger, state })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An endpoint was made.
    pub(crate) fn open(&self, plan: HookPlan, webhook: &Webhook, secret: Secret) {
        let server = Server {
            plan,
            owner: webhook.owner,
            id: webhook.id,
            secret,
            heard: BTreeMap::new(),
            order: Vec::new(),
            requests: 0,
            is_gone: false,
            told: None,
            is_closed: false,
        };
        self.lock().servers.insert(Arc::clone(&webhook.url), server);
    }

    /// From now on nothing goes wrong, but that those which are gone stay so.
    pub(crate) fn heal(&self) {
        self.lock().is_well = true;
    }

    /// The endpoint is disabled on record.
    pub(crate) fn close(&self, url: &str) {
        if let Some(server) = self.lock().servers.get_mut(url) {
            server.is_closed = true;
        }
    }

    /// Its account is about to enable it.
    pub(crate) fn reopen(&self, url: &str) {
        if let Some(server) = self.lock().servers.get_mut(url) {
            (server.is_gone, server.told, server.is_closed) = (false, None, false);
        }
    }

    /// Looks at every server.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&BTreeMap<Arc<str>, Server>) -> T) -> T {
        look(&self.lock().servers)
    }

    /// A request begins. Says how long it is on its way, and what becomes of it.
    fn begin(&self, process: ProcessId, url: &str) -> (Duration, Fate) {
        let now = self.executor.now();
        let mut state = self.lock();
        let is_out_of_turn = state.is_out_of_turn(process);
        let State { chance, is_well, servers, .. } = &mut *state;
        let travel = chance.millis(1..40);
        let Some(server) = servers.get_mut(url) else { return (travel, Fate::Refused) };
        let is_late = server.told.is_some_and(|(told, at)| told == process && now > at + BEGUN_WITHIN);
        let was_closed = server.is_closed;
        let weather = if *is_well { HookWeather::default() } else { server.plan.weather };
        server.is_gone |= chance.permille(weather.gone);
        let fate = if server.is_gone {
            Fate::Answered { after: chance.millis(1..60), status: 410, retry_after: None }
        } else {
            fate(chance, weather)
        };
        let told_at = server.told.map(|(_, at)| at);
        drop(state);
        let mut facts = self.ledger.lock();
        if is_out_of_turn && !facts.went_on_just_now(process, now) {
            facts.violated(format!("{process:?} sends to {url} although another process delivers"));
        }
        let stood_still = facts.cuts.iter().any(|(at, _)| told_at.is_some_and(|told_at| *at >= told_at));
        if was_closed || is_late && !stood_still {
            facts.violated(format!("{url} is sent something although it is disabled"));
        }
        (travel, fate)
    }

    /// A request arrives.
    fn take(&self, url: &str, headers: &[(&'static str, String)], body: &[u8]) {
        let body = String::from_utf8_lossy(body);
        if let Err(what) = self.heard(url, headers, &body) {
            self.ledger.violated(format!("{url} {what}: {body}"));
        }
        self.executor.note(&format!("{url} has {body}"));
        self.ledger.stir();
    }

    fn heard(&self, url: &str, headers: &[(&'static str, String)], body: &str) -> Result<(), &'static str> {
        let mut state = self.lock();
        let server = state.servers.get_mut(url).ok_or("is no endpoint")?;
        let header = |name| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str());
        let id: EventId = header("webhook-id").and_then(|id| id.parse().ok()).ok_or("has no id")?;
        let at = header("webhook-timestamp").and_then(|at| at.parse().ok()).ok_or("has no time")?;
        let signed = signatures(std::slice::from_ref(&server.secret), id, at, body);
        if header("webhook-signature") != Some(signed.as_str()) {
            return Err("has another signature");
        }
        let envelope: Envelope = serde_json::from_str(body).map_err(|_| "has a body that cannot be read")?;
        let is_theirs =
            envelope.account_id == server.owner.account.to_string() && envelope.mode == server.owner.mode.as_str();
        if !is_theirs {
            return Err("has an event of another account or mode");
        }
        let kind = EventType::parse(&envelope.r#type).ok_or("has an event of an unknown type")?;
        if envelope.id != id.to_string() {
            return Err("has an event under the id of another one");
        }
        server.requests += 1;
        match server.heard.get_mut(&id) {
            Some(heard) if heard.body != body => heard.others.push(body.to_owned()),
            Some(_) => {}
            None => {
                let (sequence, data) = (envelope.sequence, envelope.data);
                let heard = Heard { kind, sequence, data, body: body.to_owned(), others: Vec::new() };
                server.heard.insert(id, heard);
                server.order.push(id);
            }
        }
        Ok(())
    }

    fn told(&self, process: ProcessId, url: &str) {
        let now = self.executor.now();
        if let Some(server) = self.lock().servers.get_mut(url).filter(|server| server.is_gone) {
            server.told = server.told.filter(|(told, _)| *told == process).or(Some((process, now)));
        }
    }
}

fn fate(chance: &mut Chance, weather: HookWeather) -> Fate {
    let after = if chance.permille(weather.slow) { chance.millis(50..14_000) } else { chance.millis(1..60) };
    if chance.permille(weather.refused) {
        return Fate::Refused;
    }
    if chance.permille(weather.silent) {
        return Fate::Silent;
    }
    let (status, retry_after) = if chance.permille(weather.errors) {
        (*chance.pick(&[500, 404, 302]), None)
    } else if chance.permille(weather.busy) {
        (*chance.pick(&[429, 503]), Some(chance.within(1..20)))
    } else {
        (*chance.pick(&[200, 204]), None)
    };
    Fate::Answered { after, status, retry_after }
}

/// What posts in one process.
pub(crate) struct Desk {
    pub(crate) servers: Arc<Servers>,
    pub(crate) process: ProcessId,
}

#[async_trait]
impl Post for Desk {
    async fn judge(&self, _: &str) -> Result<(), PostError> {
        Ok(())
    }

    async fn post(
        &self,
        _: &Line,
        url: &str,
        headers: &[(&'static str, String)],
        body: Bytes,
    ) -> Result<Posted, PostError> {
        let (travel, fate) = self.servers.begin(self.process, url);
        let (answers, answered) = oneshot::channel();
        let (servers, to, headers) = (Arc::clone(&self.servers), url.to_owned(), headers.to_vec());
        let arrive = async move {
            servers.runtime.sleep(travel).await;
            match fate {
                Fate::Refused => {}
                Fate::Silent => {
                    servers.take(&to, &headers, &body);
                    servers.runtime.sleep(2 * TIMEOUT).await;
                }
                Fate::Answered { after, status, retry_after } => {
                    servers.take(&to, &headers, &body);
                    servers.runtime.sleep(after).await;
                    let retry_after = retry_after.map(|seconds| seconds.to_string());
                    // A process that has ended does not listen.
                    let _ = answers.send(Posted { status, retry_after, start: Bytes::new() });
                }
            }
        };
        drop(self.servers.runtime.spawn("request", Box::pin(arrive)));
        match self.servers.runtime.timeout(TIMEOUT, answered).await {
            Ok(Ok(posted)) => {
                if posted.status == 410 {
                    self.servers.told(self.process, url);
                }
                Ok(posted)
            }
            Ok(Err(_)) => Err(PostError::Failed("the connection was refused".to_owned())),
            Err(_) => Err(PostError::TimedOut("the response did not begin in time")),
        }
    }
}
