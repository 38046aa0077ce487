//! Receipts as carriers send them, from `tests/field/receipts.jsonl`, over a real SMPP session into a real store: what
//! the SMSC is answered, and what the client sees of its message then.

use std::ops::Range;
use std::rc::Rc;

use bytes::BytesMut;
use carrier::smpp::config::SmppConfig;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinSet, LocalSet};
use wire::gsm::packed;
use wire::smpp::{Body, CommandId, CommandStatus, Pdu, decode, encode, frame};

use crate::support::{ANY_PORT, DEADLINE, Stage, Tenant, carrier, eventually, smpp};

const CASES: &str = include_str!("../../../../tests/field/receipts.jsonl");

/// The sender of every message, as the PDUs name it.
const SENDER: &str = "+18005551234";

/// One line of the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    id: String,
    title: String,
    /// Settings of the carrier, by their names in the configuration.
    #[serde(default)]
    settings: serde_json::Map<String, Value>,
    variants: Vec<Variant>,
}

/// Messages, the PDUs that report on them, and what becomes of both.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Variant {
    #[serde(default)]
    name: String,
    /// The ids that the SMSC gives to the messages, each to one of its own, in order.
    acknowledged: Vec<String>,
    /// The recipients, where they are not the usual one.
    #[serde(default)]
    recipients: Vec<String>,
    /// Whether the reports come before the acknowledgements.
    #[serde(default)]
    early: bool,
    /// How many messages are acknowledged all the same before the reports come: the first ones.
    #[serde(default)]
    acknowledged_before: usize,
    reports: Vec<Report>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Report {
    /// A whole PDU in hexadecimal digits.
    #[serde(default)]
    pdu: Option<String>,
    /// Or its parts.
    #[serde(default)]
    parts: Option<Parts>,
    /// The status that the SMSC is answered; `null` where it does not matter.
    #[serde(default = "rok")]
    answer: Option<u32>,
    /// The statuses of the messages after it.
    then: Vec<String>,
}

fn rok() -> Option<u32> {
    Some(CommandStatus::ROK.0)
}

/// A `deliver_sm` in parts, as it is easiest to get wrong.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Parts {
    /// Types of number and addresses.
    source: (u8, String),
    destination: (u8, String),
    esm_class: u8,
    data_coding: u8,
    /// Written as `coding` says.
    text: String,
    /// `ascii` (or Latin-1), `utf-16be`, `utf-16le`, `packed`, `hex` (octets that the text spells) or `in-hex` (digits
    /// that spell the text).
    coding: String,
    /// Octets before the text, and behind it, in hexadecimal digits.
    before: String,
    behind: String,
    /// By how much `sm_length` is wrong.
    length_off: i8,
    /// Tags and values, both in hexadecimal digits; a value that begins with `"` is text.
    parameters: Vec<(String, String)>,
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            source: (1, "18005559876".to_owned()),
            destination: (1, "18005551234".to_owned()),
            esm_class: 4,
            data_coding: 0,
            text: String::new(),
            coding: "ascii".to_owned(),
            before: String::new(),
            behind: String::new(),
            length_off: 0,
            parameters: Vec::new(),
        }
    }
}

impl Parts {
    fn octets(&self, sequence: u32) -> Vec<u8> {
        let address = |(ton, text): &(u8, String)| [&[*ton, 1], text.as_bytes(), &[0]].concat();
        let text = [unhex(&self.before), written(&self.text, &self.coding)].concat();
        let length = u8::try_from(text.len()).unwrap().checked_add_signed(self.length_off).unwrap();
        let parameters = self.parameters.iter().flat_map(|(tag, value)| {
            let value = value.strip_prefix('"').map_or_else(|| unhex(value), |text| text.as_bytes().to_vec());
            [unhex(tag), u16::try_from(value.len()).unwrap().to_be_bytes().to_vec(), value].concat()
        });
        let head = [self.esm_class, 0, 0, 0, 0, 0, 0, self.data_coding, 0, length];
        let body: Vec<u8> =
            [&[0][..], &address(&self.source), &address(&self.destination), &head, &text, &unhex(&self.behind)]
                .concat()
                .into_iter()
                .chain(parameters)
                .collect();
        let length = u32::try_from(16 + body.len()).unwrap();
        [length, CommandId::DELIVER_SM.0, 0, sequence].into_iter().flat_map(u32::to_be_bytes).chain(body).collect()
    }
}

fn written(text: &str, coding: &str) -> Vec<u8> {
    match coding {
        "ascii" => text.chars().map(|c| u8::try_from(c).unwrap()).collect(),
        "utf-16be" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        "utf-16le" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "packed" => packed::pack(text.as_bytes(), 0),
        "hex" => unhex(text),
        "in-hex" => text.bytes().map(|octet| format!("{octet:02X}")).collect::<String>().into_bytes(),
        other => panic!("no coding: {other}"),
    }
}

fn unhex(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

/// An SMSC that does what a case says, with the one session that a carrier binds.
struct Smsc {
    stream: TcpStream,
    input: BytesMut,
}

impl Smsc {
    async fn bound(listener: &TcpListener) -> Self {
        let (stream, _) = within(listener.accept()).await.unwrap();
        let mut smsc = Self { stream, input: BytesMut::new() };
        let bind = smsc.next().await;
        let Body::Bind(kind, _) = bind.body else { panic!("no bind: {bind:?}") };
        smsc.send(&Pdu::new(bind.sequence, Body::BindResp(kind, b"field".to_vec()))).await;
        smsc
    }

    /// The next PDU that is no question whether we are there.
    async fn next(&mut self) -> Pdu {
        loop {
            if let Some(length) = frame::next(&self.input, 100_000).unwrap() {
                let pdu = decode(&self.input.split_to(length)).unwrap();
                match pdu.body {
                    Body::EnquireLink => self.send(&Pdu::new(pdu.sequence, Body::EnquireLinkResp)).await,
                    _ => return pdu,
                }
            } else {
                assert!(
                    within(self.stream.read_buf(&mut self.input)).await.unwrap() > 0,
                    "the carrier closed the connection"
                );
            }
        }
    }

    async fn send(&mut self, pdu: &Pdu) {
        let mut octets = Vec::new();
        encode(pdu, &mut octets);
        self.send_octets(&octets).await;
    }

    async fn send_octets(&mut self, octets: &[u8]) {
        within(self.stream.write_all(octets)).await.unwrap();
    }
}

async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, what).await.expect("the other side is silent")
}

/// The platform with one carrier, of which this is the SMSC, and the tenant of [`SENDER`].
async fn staged(case: &Case) -> (Stage, Smsc, Tenant) {
    let listener = TcpListener::bind(ANY_PORT).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let stage = Stage::with(|config, _| {
        config.carrier = vec![carrier("main", port)];
        let base = smpp(config).clone();
        let own = serde_json::from_value(Value::Object(case.settings.clone())).unwrap();
        // The listener answers the bind only once the platform has started, which takes its time on a busy machine.
        let settings = SmppConfig {
            name: base.name,
            host: base.host,
            port: base.port,
            system_id: base.system_id,
            bind_timeout_secs: 300,
            ..own
        };
        config.carrier = vec![settings.into()];
    })
    .await;
    let smsc = Smsc::bound(&listener).await;
    let tenant = stage.tenant().await;
    stage.operate("POST", "/numbers", json!({ "number": SENDER, "accountId": tenant.account })).await.expect(201);
    (stage, smsc, Tenant { number: SENDER.to_owned(), ..tenant })
}

async fn play(case: &Case, variant: &Variant) {
    let what = format!("{} ({}) {}", case.id, case.title, variant.name);
    let (stage, mut smsc, tenant) = staged(case).await;
    let (mut messages, mut submitted) = (Vec::new(), Vec::new());
    for at in 0..variant.acknowledged.len() {
        let to = variant.recipients.get(at).map_or("+18005559876", String::as_str);
        messages.push(stage.send(&tenant, to, "Hello").await["id"].clone());
        let pdu = smsc.next().await;
        assert!(matches!(pdu.body, Body::SubmitSm(_)), "{what}: {pdu:?}");
        submitted.push(pdu.sequence);
    }
    let before = if variant.early { variant.acknowledged_before } else { messages.len() };
    acknowledge(&stage, &mut smsc, &tenant, variant, 0..before, &messages, &submitted).await;
    for (at, report) in (7..).zip(&variant.reports) {
        let octets = report
            .pdu
            .as_deref()
            .map(unhex)
            .or_else(|| report.parts.as_ref().map(|parts| parts.octets(at)))
            .expect("a PDU");
        let sequence = frame::Header::read(&octets).unwrap().sequence;
        smsc.send_octets(&octets).await;
        let answer = smsc.next().await;
        assert!(matches!(answer.body, Body::DeliverSmResp(_) | Body::DataSmResp(_)), "{what}: {answer:?}");
        let expected = report.answer.map_or(answer.status, CommandStatus);
        assert_eq!((answer.status, answer.sequence), (expected, sequence), "{what}");
        if variant.early {
            acknowledge(&stage, &mut smsc, &tenant, variant, before..messages.len(), &messages, &submitted).await;
        }
        let mut statuses = Vec::new();
        for id in &messages {
            statuses.push(
                stage.ask(&tenant.get(&format!("/message/{}", id.as_str().unwrap()))).await.expect(200)["status"]
                    .as_str()
                    .unwrap()
                    .to_owned(),
            );
        }
        assert_eq!(statuses, report.then, "{what}: {}", stage.life(&messages[0]).await);
    }
}

/// Answers these messages with their ids, and waits until that is known.
async fn acknowledge(
    stage: &Stage,
    smsc: &mut Smsc,
    tenant: &Tenant,
    variant: &Variant,
    which: Range<usize>,
    messages: &[Value],
    submitted: &[u32],
) {
    for at in which {
        let (sequence, id, message) = (&submitted[at], &variant.acknowledged[at], &messages[at]);
        smsc.send(&Pdu::new(*sequence, Body::SubmitSmResp(id.as_bytes().to_vec()))).await;
        let ask = tenant.get(&format!("/message/{}", message.as_str().unwrap()));
        let is_known = async || Some(stage.ask(&ask).await.expect(200)).filter(|message| message["status"] != "queued");
        eventually("the acknowledgement is known", is_known).await;
    }
}

/// How many platforms run at once.
const AT_ONCE: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receipts_of_the_field_find_their_messages() {
    let cases =
        CASES.lines().map(|line| serde_json::from_str::<Case>(line).unwrap_or_else(|error| panic!("{error}: {line}")));
    let all_played = async {
        let mut plays: JoinSet<()> = JoinSet::new();
        for case in cases.map(Rc::new) {
            for at in 0..case.variants.len() {
                if plays.len() == AT_ONCE {
                    plays.join_next().await.unwrap().unwrap();
                }
                let case = Rc::clone(&case);
                plays.spawn_local(async move { play(&case, &case.variants[at]).await });
            }
        }
        while let Some(played) = plays.join_next().await {
            played.unwrap();
        }
    };
    LocalSet::new().run_until(all_played).await;
}
