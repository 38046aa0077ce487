//! Interpretation: whose a message is, what it says, and what follows from it, against tenants of a real store.

use std::sync::Arc;
use std::time::Duration;

use model::account::AccountState;
use model::number::{BlockKind, NumberState};
use model::{
    AccountId, Clock, InboundAddress, InboundBody, InboundMessage, KeywordKind, MessageId, Mode, OptOutName,
    OptOutScope, OptOutSource, Originator, Owner, SeededEntropy, Timestamp,
};
use runtime::{Machine, Runtime};
use store::Store;
use store::contract::inbound::{Assembled, Consequence, Interpreted, Interpreter, Opt, ReplyBound};
use store::contract::nodes::Epoch;
use store::contract::tenants::{AccountChange, KeywordsOf, NumberChange};
use testkit::{LIMITS, Place, pepper};
use wire::inbound::{Coding, UserData};

use super::content::{Content, Mms};
use super::reading::{GAP, read};
use super::testing::{interpreting, plain};
use super::*;
use crate::keywords::KeywordSettings;
use crate::route::SANDBOX;
use crate::tenants::TenantBook;

mod joining;

const HANDSET: &str = "+12025550143";
const NUMBER: &str = "+18005550001";
const CODE: &str = "72345";

fn sender(text: &str) -> Originator {
    Originator::parse(text).unwrap()
}

/// Tenants of a real store, and an interpreter that reads them.
struct Desk {
    tenants: Arc<TenantBook>,
    interpreter: Arc<Interpreting>,
    account: AccountId,
    runtime: Arc<dyn Runtime>,
    _store: Arc<dyn Store>,
    node: Epoch,
    _place: Place,
}

impl Desk {
    async fn set_up() -> Self {
        let place = Place::new();
        let store = place.open().await;
        let runtime: Arc<dyn Runtime> = Arc::new(Machine::new());
        let entropy = Arc::new(SeededEntropy::new(1));
        let tenants = TenantBook::load(store.clone(), pepper(), runtime.clone() as Arc<dyn Clock>, entropy.clone())
            .await
            .unwrap();
        let tenants = Arc::new(tenants);
        let account = tenants.create_account("ACME".to_owned(), LIMITS).await.unwrap().id;
        for number in [NUMBER, CODE, "+18005550002"] {
            tenants.create_number(sender(number), Some(account), NumberState::Active, None).await.unwrap();
        }
        let interpreter = interpreting(&tenants, &runtime, entropy);
        let node = store.join("test".to_owned(), "0".to_owned(), runtime.look()).await.unwrap();
        Self { tenants, interpreter, account, runtime, _store: store, node, _place: place }
    }

    fn interpret(&self, assembled: &Assembled) -> (bool, InboundMessage, Consequence) {
        match self.interpreter.interpret(assembled) {
            Interpreted::Owned(message, consequence) => (true, *message, consequence),
            Interpreted::Unrouted(message, consequence) => (false, *message, consequence),
        }
    }

    async fn set(&self, of: KeywordsOf, json: &str) {
        let settings: KeywordSettings = serde_json::from_str(json).unwrap();
        self.tenants.set_keywords(of, &settings).await.unwrap();
    }

    fn at(&self) -> Timestamp {
        self.runtime.now()
    }

    fn text(&self, from: &str, to: &str, text: &str) -> Assembled {
        assembled(from, to, self.at(), vec![(1, Content::Sms(plain(text)))], 1)
    }

    /// What follows from a text of a handset to a number, in short.
    fn follows(&self, from: &str, to: &str, text: &str) -> String {
        let (is_owned, _, consequence) = self.interpret(&self.text(from, to, text));
        format!("{}{}", if is_owned { "" } else { "unrouted " }, shown(&consequence))
    }
}

fn assembled(from: &str, to: &str, at: Timestamp, parts: Vec<(u8, Content)>, total: u8) -> Assembled {
    Assembled {
        carrier: "main".into(),
        from: InboundAddress::of(from),
        to: InboundAddress::of(to),
        received_at: at,
        total,
        parts: parts.into_iter().map(|(number, content)| (number, content.encode())).collect(),
        media: Arc::from([]),
        earlier: None,
    }
}

fn shown(consequence: &Consequence) -> String {
    let of = |name: &OptOutName| name.from.map_or("all".to_owned(), |from| from.to_string());
    let opt = match &consequence.opt {
        Some(Opt::Out(out)) => format!("out of {} by {:?}", of(&out.name), out.keyword.as_deref()),
        Some(Opt::In(change, scope)) => format!("in to {} {}", of(&change.name), scope.as_str()),
        None => "nothing".to_owned(),
    };
    let reply = consequence.reply.as_ref().map(|reply| {
        let kind = reply.message.automatic.map(KeywordKind::as_str).unwrap_or_default();
        format!(", {kind} {:?}", reply.bound)
    });
    format!("{opt}{}", reply.unwrap_or_default())
}

#[tokio::test]
async fn what_follows_from_a_text_depends_on_its_keyword_and_its_addresses() {
    let desk = Desk::set_up().await;
    for (from, to, text, wanted) in [
        (HANDSET, NUMBER, "hello", "nothing"),
        (HANDSET, NUMBER, "STOP", "out of all by Some(\"STOP\"), stop OnChange"),
        (HANDSET, CODE, "Stop.", "out of all by Some(\"STOP\"), stop OnChangeOrAfter(86400s)"),
        (HANDSET, NUMBER, "start", "in to all account, start OnChange"),
        (HANDSET, NUMBER, "help", "nothing, help After(3600s)"),
        (HANDSET, NUMBER, "STOP 12345", "nothing"),
        (HANDSET, NUMBER, "please stop texting me", "nothing"),
        // Those that are never answered.
        ("+18005550002", NUMBER, "STOP", "out of all by Some(\"STOP\")"),
        ("+18005550002", NUMBER, "HELP", "nothing"),
        ("ACME", NUMBER, "STOP", "nothing"),
        ("72346", NUMBER, "HELP", "nothing"),
        ("123456", NUMBER, "STOP", "nothing"),
        ("someone@example.com", NUMBER, "STOP", "nothing"),
        ("", NUMBER, "HELP", "nothing"),
        // Numbers that no account has.
        (HANDSET, "+18005559999", "STOP", "unrouted nothing"),
        (HANDSET, "", "STOP", "unrouted nothing"),
    ] {
        assert_eq!(desk.follows(from, to, text), wanted, "{from} to {to}: {text}");
    }
}

#[tokio::test]
async fn a_number_that_was_released_or_taken_away_has_no_account_and_its_stop_counts_for_the_last_one() {
    let desk = Desk::set_up().await;
    let out = "out of all by Some(\"STOP\")";
    for state in [NumberState::Suspended, NumberState::Deactivated, NumberState::Pending] {
        let change = NumberChange { state: Some(state), ..NumberChange::default() };
        desk.tenants.change_number(sender(NUMBER), change).await.unwrap();
        assert_eq!(desk.follows(HANDSET, NUMBER, "STOP"), out, "{state:?}: owned, and it may not answer");
    }
    for state in [NumberState::Released, NumberState::Unavailable] {
        let change = NumberChange { state: Some(state), ..NumberChange::default() };
        desk.tenants.change_number(sender(NUMBER), change).await.unwrap();
        assert_eq!(desk.follows(HANDSET, NUMBER, "STOP"), format!("unrouted {out}"), "{state:?}");
    }
    let taken = NumberChange { account: Some(None), state: Some(NumberState::Active), ..NumberChange::default() };
    desk.tenants.change_number(sender(NUMBER), taken).await.unwrap();
    assert_eq!(desk.follows(HANDSET, NUMBER, "STOP"), format!("unrouted {out}"), "the account before is remembered");
    let reloaded = TenantBook::load(
        desk._store.clone(),
        pepper(),
        desk.runtime.clone() as Arc<dyn Clock>,
        Arc::new(SeededEntropy::new(2)),
    )
    .await
    .unwrap();
    assert_eq!(reloaded.owner_of(sender(NUMBER)), desk.tenants.owner_of(sender(NUMBER)), "over a restart as well");
    let other = desk.tenants.create_account("other".to_owned(), LIMITS).await.unwrap().id;
    let given = NumberChange { account: Some(Some(other)), ..NumberChange::default() };
    desk.tenants.change_number(sender(NUMBER), given).await.unwrap();
    let (is_owned, message, consequence) = desk.interpret(&desk.text(HANDSET, NUMBER, "STOP"));
    assert_eq!((is_owned, message.account), (true, other));
    let Some(Opt::Out(opt_out)) = consequence.opt else { panic!() };
    assert_eq!(opt_out.name.owner, Owner { account: other, mode: Mode::Live }, "never for the account before");
}

#[tokio::test]
async fn settings_decide_scope_words_and_answers() {
    let desk = Desk::set_up().await;
    let (account, number) = (KeywordsOf::Account(desk.account), KeywordsOf::Number(sender(NUMBER)));
    desk.set(account, r#"{"optOutScope": "number", "stopWords": ["halt"], "suspected": "opt_out"}"#).await;
    let out = format!("out of {NUMBER}");
    for (text, wanted) in [
        ("STOP", format!("{out} by Some(\"STOP\"), stop OnChange")),
        ("Halt!", format!("{out} by Some(\"HALT\"), stop OnChange")),
        ("please stop texting me", format!("{out} by None, stop OnChange")),
        ("start", format!("in to {NUMBER} number, start OnChange")),
    ] {
        assert_eq!(desk.follows(HANDSET, NUMBER, text), wanted, "{text}");
    }
    desk.set(number, r#"{"replies": false, "suspected": "ignore"}"#).await;
    assert_eq!(desk.follows(HANDSET, NUMBER, "STOP"), format!("{out} by Some(\"STOP\")"));
    let (_, message, _) = desk.interpret(&desk.text(HANDSET, NUMBER, "please stop texting me"));
    assert!(!message.suspected_opt_out);
    let (_, message, _) = desk.interpret(&desk.text(HANDSET, CODE, "please stop texting me"));
    assert!(message.suspected_opt_out && message.keyword.is_none(), "the other number has the account's settings");
}

#[tokio::test]
async fn a_start_ends_an_opt_out_of_everything_that_was_made_under_another_scope() {
    let desk = Desk::set_up().await;
    let owner = Owner { account: desk.account, mode: Mode::Live };
    let name = OptOutName { owner, number: testkit::number(HANDSET), from: None };
    let new = crate::tenants::NewOptOut { name, reason: None, since: None };
    desk.tenants.opt_out(vec![new], OptOutSource::Api).await.unwrap();
    desk.set(KeywordsOf::Account(desk.account), r#"{"optOutScope": "number"}"#).await;
    assert_eq!(desk.follows(HANDSET, NUMBER, "START"), "in to all account, start OnChange");
    assert_eq!(OptOutScope::default(), OptOutScope::Account);
}

#[tokio::test]
async fn an_answer_comes_from_the_number_names_the_account_and_confirms_a_stop_for_five_minutes() {
    let desk = Desk::set_up().await;
    let reply = |text: &str| desk.interpret(&desk.text(HANDSET, NUMBER, text)).2.reply;
    let at = desk.at();
    let stop = reply("STOP").unwrap();
    let message = &stop.message;
    assert_eq!((message.originator, message.recipient), (sender(NUMBER), testkit::number(HANDSET)));
    assert!(message.body.as_deref().unwrap().starts_with("ACME: You are unsubscribed"));
    assert_eq!((message.automatic, message.segments), (Some(KeywordKind::Stop), 1));
    assert!(message.reference > 0 && message.broadcast.is_none());
    let valid = message.expires_at.since(at);
    assert!(valid >= Duration::from_secs(300) && valid < Duration::from_secs(330), "{valid:?}");
    assert_eq!(stop.bound, ReplyBound::OnChange);
    let help = reply("HELP").unwrap();
    assert_eq!(help.message.expires_at.since(help.message.created_at), Duration::from_secs(86_400), "as others");
    // The operator's decisions hold for automatic messages.
    desk.tenants.put_block(testkit::number(HANDSET).into(), BlockKind::Recipient, None, None).await.unwrap();
    assert!(reply("HELP").is_none() && reply("STOP").is_none(), "blocked");
    desk.tenants.delete_block(testkit::number(HANDSET).into(), BlockKind::Recipient, None).await.unwrap();
    desk.tenants.put_block(sender(NUMBER), BlockKind::Sender, None, None).await.unwrap();
    assert!(reply("HELP").is_none(), "the sender is blocked");
    desk.tenants.delete_block(sender(NUMBER), BlockKind::Sender, None).await.unwrap();
    let suspended = AccountChange { state: Some(AccountState::Suspended), ..AccountChange::default() };
    desk.tenants.change_account(desk.account, suspended).await.unwrap();
    assert!(reply("HELP").is_none(), "the account is suspended");
    assert_eq!(desk.follows(HANDSET, NUMBER, "STOP"), "out of all by Some(\"STOP\")", "and its opt-outs count");
}

#[tokio::test]
async fn what_the_sandbox_brings_belongs_to_test_keys() {
    let desk = Desk::set_up().await;
    let test = Assembled { carrier: SANDBOX.into(), ..desk.text(HANDSET, NUMBER, "STOP") };
    let (_, message, consequence) = desk.interpret(&test);
    let Some(Opt::Out(opt_out)) = &consequence.opt else { panic!() };
    let reply = consequence.reply.unwrap();
    assert_eq!((message.mode, opt_out.name.owner.mode, reply.message.mode), (Mode::Test, Mode::Test, Mode::Test));
    assert_eq!(reply.carrier, SANDBOX.into());
}

#[tokio::test]
async fn a_group_message_is_never_answered_and_its_stop_counts() {
    let desk = Desk::set_up().await;
    let mms = |text: &str, others: &[&str]| {
        let others = others.iter().map(|other| InboundAddress::of(other)).collect();
        let content = Content::Mms(Mms { subject: None, text: text.to_owned(), others });
        assembled(HANDSET, NUMBER, desk.at(), vec![(1, content)], 1)
    };
    let (_, message, consequence) = desk.interpret(&mms("Stop", &["+12025550199"]));
    assert_eq!(message.additional_recipients.len(), 1);
    assert_eq!(shown(&consequence), "out of all by Some(\"STOP\")");
    let (_, message, consequence) = desk.interpret(&mms("Stop", &[]));
    assert_eq!(message.kind, model::message::MessageType::Mms);
    assert_eq!(shown(&consequence), "out of all by Some(\"STOP\"), stop OnChange", "a text of an MMS counts");
}

#[tokio::test]
async fn no_keyword_is_read_from_a_part_of_a_message() {
    let desk = Desk::set_up().await;
    let parts = |total| assembled(HANDSET, NUMBER, desk.at(), vec![(1, Content::Sms(plain("STOP")))], total);
    let (_, message, consequence) = desk.interpret(&parts(2));
    assert_eq!((message.keyword, message.suspected_opt_out, shown(&consequence)), (None, false, "nothing".to_owned()));
    assert_eq!(&*message.missing_parts, [2]);
    let earlier = MessageId::new(Timestamp::from_millis(1_773_585_000_000), &SeededEntropy::new(3));
    let whole = Assembled { earlier: Some(earlier), ..parts(1) };
    let (_, message, _) = desk.interpret(&whole);
    assert_eq!((message.id, message.created_at), (earlier, earlier.made_at()), "it keeps its name and its place");
    assert!(message.keyword.is_some(), "the whole text counts, also where a part came late");
}

/// Reads parts of user data.
fn reading(parts: &[(u8, UserData)], total: u8) -> (InboundBody, &'static str) {
    let parts = parts.iter().map(|(number, data)| (*number, Content::Sms(data.clone()))).collect();
    let reading = read(&assembled(HANDSET, NUMBER, Timestamp::default(), parts, total));
    (reading.body, reading.encoding.as_str())
}

#[test]
fn a_text_shows_gaps_where_parts_are_missing() {
    for (numbers, total, wanted) in [
        (&[1u8, 2, 3] as &[u8], 3, "abc".to_owned()),
        (&[1, 3], 3, format!("a{GAP}c")),
        (&[2], 3, format!("{GAP}b{GAP}")),
        (&[1], 255, format!("a{GAP}")),
        (&[3], 3, format!("{GAP}c")),
        (&[1, 4], 5, format!("a{GAP}d{GAP}")),
    ] {
        let letter = |number: u8| plain(&char::from(b'`' + number).to_string());
        let parts: Vec<(u8, UserData)> = numbers.iter().map(|number| (*number, letter(*number))).collect();
        assert_eq!(reading(&parts, total), (InboundBody::Text(wanted.into()), "GSM-7"), "{numbers:?} of {total}");
    }
}

#[test]
fn a_character_that_the_sender_cut_is_whole_and_different_codings_are_read_each_by_itself() {
    let data = |coding, octets: &[u8]| UserData::new(coding, octets.to_vec());
    // An escape and its character, and a surrogate pair.
    let escape = [(1, data(Coding::Gsm7, b"a\x1b")), (2, data(Coding::Gsm7, b"\x65b"))];
    assert_eq!(reading(&escape, 2), (InboundBody::Text("a€b".into()), "GSM-7"));
    let pair = [(1, data(Coding::Ucs2, &[0xD8, 0x3D])), (2, data(Coding::Ucs2, &[0xDE, 0x00]))];
    assert_eq!(reading(&pair, 2), (InboundBody::Text("😀".into()), "UCS-2"));
    let mixed = [(1, plain("a")), (2, data(Coding::Ucs2, &[0x20, 0xAC]))];
    assert_eq!(reading(&mixed, 2), (InboundBody::Text("a€".into()), "UCS-2"));
    let binary = [(1, plain("a")), (2, data(Coding::Binary, &[0xFF]))];
    assert_eq!(reading(&binary, 2), (InboundBody::Binary(Arc::from(&b"a\xff"[..])), "binary"));
    let port = UserData { has_port: true, ..plain("a") };
    assert_eq!(reading(&[(1, port)], 1).1, "binary");
}

#[test]
fn content_that_cannot_be_read_is_kept_as_data() {
    let unknown = Assembled {
        parts: vec![(1, Arc::from(&b"\xffabc"[..]))],
        ..assembled(HANDSET, NUMBER, Timestamp::default(), Vec::new(), 1)
    };
    assert_eq!(read(&unknown).body, InboundBody::Binary(Arc::from(&b"\xffabc"[..])));
}

#[test]
fn the_subject_of_an_mms_is_its_text_where_it_has_no_other() {
    for (subject, text, wanted) in [(Some("a"), "b", "b"), (Some("STOP"), "", "STOP"), (None, "b", "b"), (None, "", "")]
    {
        let content = Content::Mms(Mms { subject: subject.map(str::to_owned), text: text.to_owned(), others: vec![] });
        let reading = read(&assembled(HANDSET, NUMBER, Timestamp::default(), vec![(1, content)], 1));
        assert_eq!(reading.body, InboundBody::Text(wanted.into()), "{subject:?} {text}");
    }
}
