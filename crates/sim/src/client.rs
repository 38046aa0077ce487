//! Clients: they send, lose patience, try again, and remember what they were promised.

use std::sync::Arc;
use std::time::Duration;

use model::error::{AdditionalInfo, ErrorCode, Refusal};
use model::{Mode, Msisdn, Originator, Timestamp};
use pipeline::{Answered, BroadcastRequest, RecipientList, SendRequest};
use runtime::{Ended, Runtime};

use crate::chance::Chance;
use crate::ledger::{Named, Promise, Request, Standing};
use crate::plan::{HELD, NOWHERE};
use crate::site::Process;
use crate::world::{World, recipient};

/// A client of an account.
pub(crate) struct Client {
    pub(crate) world: World,
    pub(crate) account: usize,
    pub(crate) requests: usize,
    /// The first of its marks.
    pub(crate) mark: u64,
    pub(crate) chance: Chance,
}

/// What a client hears.
enum Heard {
    Accepted(Answered<Named>),
    Refused(Refusal),
    /// Nothing, or not in time.
    Nothing,
}

impl Heard {
    fn is_replay(&self) -> bool {
        matches!(self, Self::Accepted(answered) if answered.replayed)
    }
}

impl Client {
    /// Sends its requests, one after another.
    pub(crate) async fn run(mut self) {
        for n in 0..self.requests as u64 {
            let rest = self.world.plan.accounts[self.account].rest_ms;
            let rest = self.chance.millis(0..rest);
            self.world.runtime.sleep(rest).await;
            if !self.world.is_active() {
                return;
            }
            self.request(self.mark + n * MARKS_PER_REQUEST).await;
        }
    }

    async fn request(&mut self, mark: u64) {
        let plan = &self.world.plan.accounts[self.account];
        let (number, second) = (plan.number, plan.second);
        let (is_broadcast, mode) = (
            self.chance.permille(plan.broadcasts_permille),
            if self.chance.permille(100) { Mode::Test } else { Mode::Live },
        );
        let has_key = self.chance.permille(700);
        let wait = self.chance.permille(150).then(|| self.chance.millis(100..8_000));
        let recipients = if is_broadcast { self.many() } else { vec![self.one(mode)] };
        let text = format!(
            "{}{}",
            "x".repeat(self.chance.below(30)),
            if self.chance.permille(200) { "y".repeat(300) } else { String::new() }
        );
        let is_mms =
            !is_broadcast && mode == Mode::Live && self.chance.permille(80) && recipients[0].text().starts_with("+1");
        let from = second.filter(|_| self.chance.permille(300)).unwrap_or(number);
        let mut asked = Asked {
            mark,
            from,
            mode,
            key: has_key.then(|| format!("key-{mark}")),
            recipients,
            is_broadcast,
            wait,
            text,
            is_mms,
            send_at: self.later(mark).filter(|_| !is_broadcast),
        };
        let is_twice = has_key && self.chance.permille(200);
        for attempt in 0..ATTEMPTS {
            if !has_key {
                // Without a key a repeat is another message.
                asked.mark = mark + attempt;
                if asked.mark == HATEFUL {
                    break;
                }
            }
            self.note(&asked);
            let again = self.attempt(&asked, is_twice).await;
            if !again || (!self.world.is_active() && !has_key) {
                break;
            }
            let rest = self.chance.millis(100..3_000);
            self.world.runtime.sleep(rest).await;
        }
    }

    /// When the message of a request is to leave, by the wall clock. Of a chance of its own, which leaves all else as
    /// it is.
    fn later(&self, mark: u64) -> Option<Timestamp> {
        let mut chance = Chance::new(self.world.plan.seed, &format!("later {mark}"));
        chance.permille(LATER_PERMILLE).then(|| self.world.executor.wall() + chance.millis(0..LATER_MS_MAX))
    }

    /// Asks once, or on two connections at the same time. Says whether to try again.
    async fn attempt(&mut self, asked: &Asked, is_twice: bool) -> bool {
        let patience = self.chance.millis(50..20_000);
        if !is_twice {
            let heard = self.ask(asked, patience).await;
            return self.hear(asked, heard);
        }
        let (delay, other_patience) = (self.chance.millis(0..3), self.chance.millis(50..20_000));
        let other = async {
            self.world.runtime.sleep(delay).await;
            self.ask(asked, other_patience).await
        };
        let (first, second) = tokio::join!(self.ask(asked, patience), other);
        // Either of them may be the one that was not a repeat.
        let (first, second) = if first.is_replay() { (second, first) } else { (first, second) };
        let (again, again_of_other) = (self.hear(asked, first), self.hear(asked, second));
        again && again_of_other
    }

    fn one(&mut self, mode: Mode) -> Msisdn {
        let number = self.chance.within(0..40);
        match self.chance.below(20) {
            // No other recipient has these last seven digits, by which a receipt with an unknown id finds a held
            // message.
            0 | 1 if mode == Mode::Live => recipient(HELD, 1_000 + number),
            2 if mode == Mode::Live => recipient(NOWHERE, number),
            _ => recipient("+1", number + if mode == Mode::Test { 1 } else { 0 }),
        }
    }

    fn many(&mut self) -> Vec<Msisdn> {
        let (first, count) = (self.chance.within(0..40), self.chance.within(2..100));
        (first..first + count).map(|number| recipient("+1", number)).collect()
    }

    fn note(&self, asked: &Asked) {
        let mut facts = self.world.ledger.lock();
        facts.leave_by = facts.leave_by.max(asked.send_at);
        facts.requests.entry(asked.mark).or_insert_with(|| Request {
            account: self.account,
            mode: asked.mode,
            key: asked.key.clone(),
            recipients: asked.recipients.clone(),
            promised: None,
            over_quota: false,
            send_at: asked.send_at,
        });
    }

    /// Asks the process that is up, and waits for as long as this client has patience.
    async fn ask(&self, asked: &Asked, patience: Duration) -> Heard {
        let Some(process) = self.world.site.process() else { return Heard::Nothing };
        let (began, asks) = (self.world.executor.now(), process.id);
        let key = self.world.key(self.account, asked.mode);
        let blocked = self.blocked_since(asked);
        let wish = self.wish(asked);
        let (work, runtime): (_, Arc<dyn Runtime>) = (asked.clone(), process.runtime.clone());
        let credentials = key.credentials.clone();
        let request = runtime.run("request", async move { work.send(&process, &credentials).await });
        self.world.ledger.stir();
        let heard: Result<Result<_, Ended>, _> = self.world.runtime.timeout(patience, request).await;
        match heard {
            Ok(Ok(Ok(answered))) => {
                let stood_still = self.world.ledger.lock().went_on.get(&asks).is_some_and(|at| *at >= began);
                // A change at another node is known within a second, unless this one stood still meanwhile.
                let is_known = |since: Duration| since + self.world.known_within() < began && !stood_still;
                if key.revoked.is_some_and(|(at, by)| if by == asks { at < began } else { is_known(at) }) {
                    self.world
                        .ledger
                        .violated(format!("a request was accepted under a key that was revoked: {}", answered.body));
                }
                if blocked.is_some_and(|since| self.world.site.is_alone() || is_known(since))
                    && blocked == self.blocked_since(asked)
                    && !answered.replayed
                    && !asked.is_broadcast
                {
                    self.world
                        .ledger
                        .violated(format!("a message to a blocked recipient was accepted: {}", answered.body));
                }
                if matches!(wish.0, Standing::Out(since) if self.world.site.is_alone() || is_known(since))
                    && wish == self.wish(asked)
                    && !answered.replayed
                    && !asked.is_broadcast
                {
                    self.world
                        .ledger
                        .violated(format!("a message to a handset that has opted out was accepted: {}", answered.body));
                }
                Heard::Accepted(answered)
            }
            Ok(Ok(Err(refusal))) => {
                let is_for_opt_out = matches!(refusal.info, Some(AdditionalInfo::OptedOut { .. }));
                // An opt-in at another node is known a moment later.
                let is_sure = self.world.site.is_alone() || wish.1 == 0;
                if is_for_opt_out && is_sure && wish.0 == Standing::In && wish == self.wish(asked) {
                    let what = format!("request {} was refused for an opt-out that there is not", asked.mark);
                    self.world.ledger.violated(what);
                }
                Heard::Refused(refusal)
            }
            Ok(Err(_)) | Err(_) => Heard::Nothing,
        }
    }

    /// Since when its recipient is blocked without interruption.
    fn blocked_since(&self, asked: &Asked) -> Option<Duration> {
        let facts = self.world.ledger.lock();
        facts.blocks.get(&asked.recipients[0]).and_then(|blocked| blocked.since)
    }

    /// Whether its recipient wants its message, and how often that may have changed.
    fn wish(&self, asked: &Asked) -> (Standing, u64) {
        let account = self.world.account(self.account);
        self.world.ledger.lock().people.standing(account, asked.mode, asked.recipients[0], asked.from)
    }

    /// Remembers what it hears. Says whether to try again.
    fn hear(&mut self, asked: &Asked, heard: Heard) -> bool {
        match heard {
            Heard::Nothing => true,
            Heard::Refused(refusal) => {
                if self.world.is_traced() {
                    self.world.executor.note(&format!(
                        "client {}: {} is refused: {:?} {:?}",
                        self.account, asked.mark, refusal.code, refusal.cause
                    ));
                }
                match refusal.code {
                    ErrorCode::DailyQuotaReached => {
                        if let Some(request) = self.world.ledger.lock().requests.get_mut(&asked.mark) {
                            request.over_quota = true;
                        }
                        false
                    }
                    // A key is replaced by its client as soon as it can be.
                    ErrorCode::ServiceUnavailable
                    | ErrorCode::MessageSendFailed
                    | ErrorCode::RateLimitExceeded
                    | ErrorCode::DuplicateIdempotencyKey
                    | ErrorCode::AuthenticationFailed => true,
                    ErrorCode::RecipientBlocked | ErrorCode::SenderBlocked | ErrorCode::SenderNumberNotActive => false,
                    ErrorCode::MalformedRequest if self.is_past(asked) => false,
                    other => {
                        self.world
                            .ledger
                            .violated(format!("a sound request was refused: {other:?} {:?}", refusal.cause));
                        false
                    }
                }
            }
            Heard::Accepted(answered) => {
                self.promised(asked, answered);
                // Some ask once more although they were answered.
                asked.key.is_some() && self.chance.permille(120)
            }
        }
    }

    /// Whether a request may have come too long after the time at which its message is to leave.
    fn is_past(&self, asked: &Asked) -> bool {
        let was_set = self.world.ledger.lock().people.clock_was_set;
        asked.send_at.is_some_and(|at| was_set || at + LATE < self.world.executor.wall())
    }

    fn promised(&self, asked: &Asked, answered: Answered<Named>) {
        let now = self.world.executor.now();
        if self.world.is_traced() {
            self.world.executor.note(&format!(
                "client {}: {} is accepted: {} (replayed: {})",
                self.account, asked.mark, answered.body, answered.replayed
            ));
        }
        self.world.executor.observe(&answered.body);
        let mut facts = self.world.ledger.lock();
        let Some(request) = facts.requests.get_mut(&asked.mark) else { return };
        match &request.promised {
            Some(before) if before.id != answered.id || before.body != answered.body => {
                let what = format!("one key, two answers: `{}` and `{}`", before.body, answered.body);
                drop(facts);
                self.world.ledger.violated(what);
            }
            Some(before) if !answered.replayed => {
                let what = format!("a repeat does not say that it is one: {}", before.body);
                drop(facts);
                self.world.ledger.violated(what);
            }
            Some(_) => {}
            None => {
                request.promised = Some(Promise { id: answered.id, body: answered.body, at: now });
                drop(facts);
                if asked.is_broadcast {
                    self.world.ledger.begin_broadcast();
                }
            }
        }
    }
}

/// A mark that the screen refuses, because this number is a code of hate groups.
const HATEFUL: u64 = 1_488;

/// How many of a thousand messages leave later, and how much later at the most.
const LATER_PERMILLE: u64 = 120;
const LATER_MS_MAX: u64 = 20_000;

/// So late a request may come with a time to leave.
const LATE: Duration = Duration::from_secs(60);

/// How often a client tries.
const ATTEMPTS: u64 = 40;

/// Marks that one request may use up.
pub(crate) const MARKS_PER_REQUEST: u64 = ATTEMPTS;

/// A request.
#[derive(Clone)]
struct Asked {
    mark: u64,
    from: Originator,
    mode: Mode,
    key: Option<String>,
    recipients: Vec<Msisdn>,
    is_broadcast: bool,
    wait: Option<Duration>,
    text: String,
    is_mms: bool,
    send_at: Option<Timestamp>,
}

/// The variable in the texts of some broadcasts: its value is the place of the recipient among the recipients.
const PLACE: &str = "{{place}}";

/// The text that a recipient of a broadcast gets.
pub(crate) fn text_for(place: usize, body: &str) -> String {
    body.replace(PLACE, &place.to_string())
}

impl Asked {
    /// The text; that of every third broadcast has a variable.
    fn body(&self) -> String {
        let text = format!("ref {} {}", self.mark, self.text);
        if self.is_broadcast && self.mark.is_multiple_of(3) { format!("{text} for {PLACE}") } else { text }
    }

    async fn send(
        &self,
        process: &Process,
        credentials: &crate::site::Credentials,
    ) -> Result<Answered<Named>, Refusal> {
        let (from, body) = (Some(self.from.to_string()), Some(self.body().as_str().into()));
        if self.is_broadcast {
            let mut recipients = RecipientList::default();
            for (place, recipient) in self.recipients.iter().enumerate() {
                recipients.push_with(&recipient.text(), vec![("place".into(), place.to_string().into())]);
            }
            let request = BroadcastRequest {
                recipients: Some(recipients),
                from,
                body,
                idempotency_key: self.key.clone(),
                ..BroadcastRequest::default()
            };
            let Answered { id, body, replayed } = process.broadcast(credentials, request, self.wait).await?;
            return Ok(Answered { id: Named::Broadcast(id), body, replayed });
        }
        let message_type = self.is_mms.then(|| "MMS".to_owned());
        let to = Some(self.recipients[0].to_string());
        let request = SendRequest {
            to,
            from,
            body,
            message_type,
            send_at: self.send_at,
            idempotency_key: self.key.clone(),
            ..SendRequest::default()
        };
        let Answered { id, body, replayed } = process.send(credentials, request, self.wait).await?;
        Ok(Answered { id: Named::Message(id), body, replayed })
    }
}
