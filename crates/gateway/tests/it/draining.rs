//! The end of a process: what clients are told, and that it comes, whatever hangs.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use serde_json::{Value, json};
use server::app::App;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use wire::smpp::{Body, CommandStatus, Pdu, decode, encode, frame};

use crate::support::http::{Ask, Connection};
use crate::support::media::MediaServer;
use crate::support::store::Trouble;
use crate::support::{ANY_PORT, RECIPIENT, Stage, carrier, dead_port, eventually, smpp};

/// How long a test waits for an end. That the end comes is what is tested; a platform that waits for something that
/// hangs never gets there.
const END: Duration = Duration::from_secs(120);

/// Begins to end the platform, and waits until it takes no more requests.
async fn begin_to_end(stage: &mut Stage) -> JoinHandle<()> {
    let app = stage.take_app();
    let pipeline = Arc::clone(app.pipeline());
    let ending = tokio::spawn(App::stop(app));
    eventually("the platform drains", async || pipeline.is_draining().then_some(())).await;
    ending
}

async fn ended(ending: JoinHandle<()>) {
    tokio::time::timeout(END, ending).await.expect("the platform ends").unwrap();
}

/// An SMSC that answers binds and nothing else, not even an unbind.
async fn speechless() -> u16 {
    let listener = TcpListener::bind(ANY_PORT).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(bound(stream));
        }
    });
    port
}

async fn bound(mut stream: TcpStream) {
    let mut input = BytesMut::new();
    while stream.read_buf(&mut input).await.is_ok_and(|count| count > 0) {
        while let Ok(Some(length)) = frame::next(&input, 10_000) {
            let pdu = decode(&input.split_to(length)).unwrap();
            if let Body::Bind(kind, _) = pdu.body {
                let mut octets = Vec::new();
                encode(
                    &Pdu::answer(pdu.sequence, CommandStatus::ROK, Body::BindResp(kind, b"peer".to_vec())),
                    &mut octets,
                );
                let _ = stream.write_all(&octets).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_waits_gets_its_201_when_the_process_ends() {
    let mut stage = Stage::with(|config, _| config.carrier = vec![carrier("dead", dead_port())]).await;
    let tenant = stage.tenant().await;
    let (mut message, mut broadcast) = (Connection::open(stage.api).await, Connection::open(stage.api).await);
    message.write(&tenant.post(&tenant.message(RECIPIENT, "hello")).header("prefer", "wait=30").to_bytes()).await;
    let many = json!({ "recipients": [RECIPIENT], "from": tenant.number, "body": "hello" });
    broadcast.write(&tenant.broadcast(&many).header("prefer", "wait=30").to_bytes()).await;
    eventually("the message is on disk", async || (stage.count(&tenant).await >= 1).then_some(())).await;
    let listed = tenant.get("/broadcast");
    let count = async || stage.ask(&listed).await.expect(200)["data"].as_array().map(Vec::len);
    eventually("the broadcast is on disk", async || count().await.filter(|count| *count == 1)).await;
    let ending = begin_to_end(&mut stage).await;
    let reply = message.reply().await;
    assert_eq!((&reply.expect(201)["status"], reply.header("preference-applied")), (&json!("queued"), Some("wait=30")));
    // It may have begun to be sent before.
    assert!(["queued", "sending"].contains(&broadcast.reply().await.expect(201)["status"].as_str().unwrap()));
    ended(ending).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_connections_and_requests_are_refused_at_once_while_the_process_drains() {
    let mut stage = Stage::with(|config, options| {
        options.response_delay_ms = "600000".parse().unwrap();
        config.dispatch.drain_secs = 600;
    })
    .await;
    let tenant = stage.tenant().await;
    let mut kept = Connection::open(stage.api).await;
    kept.write(&tenant.get("/message").to_bytes()).await;
    kept.reply().await.expect(200);
    let mut idle = Connection::open(stage.api).await;
    stage.send(&tenant, RECIPIENT, "never answered").await;
    eventually("the message has left", async || (stage.carrier("main").await["window"]["used"] == 1).then_some(()))
        .await;
    let ending = begin_to_end(&mut stage).await;
    for ask in [
        tenant.post(&tenant.message(RECIPIENT, "hello")),
        tenant.get("/message"),
        Ask::new("GET", "/page/errors"),
        Ask::new("GET", "/nothing"),
    ] {
        let reply = stage.ask(&ask).await;
        reply.refused(33105, Value::Null);
        assert_eq!(reply.header("connection"), Some("close"), "the next request goes elsewhere");
    }
    for connection in [&mut kept, &mut idle] {
        connection.write(&tenant.post(&tenant.message(RECIPIENT, "hello")).to_bytes()).await;
        connection.reply().await.refused(33105, Value::Null);
        assert!(connection.is_over().await);
    }
    assert_eq!(Ask::new("GET", "/readyz").send(stage.admin).await.expect(503)["draining"], true);
    assert_eq!(Ask::new("GET", "/healthz").send(stage.admin).await.status, 200);
    assert!(!ending.is_finished(), "the carrier has not answered");
    stage.smsc.disconnect_all();
    ended(ending).await;
    assert!(TcpStream::connect(stage.api).await.is_err(), "in the end nothing listens");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_head_is_refused_long_before_the_end() {
    let mut stage = Stage::with(|config, options| {
        options.response_delay_ms = "600000".parse().unwrap();
        (config.dispatch.drain_secs, config.api.head_timeout_secs) = (600, 600);
    })
    .await;
    let tenant = stage.tenant().await;
    stage.send(&tenant, RECIPIENT, "never answered").await;
    eventually("the message has left", async || (stage.carrier("main").await["window"]["used"] == 1).then_some(()))
        .await;
    let half = b"GET /page/errors HTTP/1.1\r\nhost: te";
    let (mut first, mut second, mut of_operator) =
        (Connection::open(stage.api).await, Connection::open(stage.api).await, Connection::open(stage.admin).await);
    // The second has had an answer before.
    second.write(&Ask::new("GET", "/page/errors").to_bytes()).await;
    second.reply().await.expect_text(200);
    for connection in [&mut first, &mut second, &mut of_operator] {
        connection.write(half).await;
    }
    let ending = begin_to_end(&mut stage).await;
    let mut late = Connection::open(stage.api).await;
    late.write(half).await;
    for connection in [&mut first, &mut second, &mut late] {
        connection.reply().await.refused(33105, Value::Null);
        assert!(connection.is_over().await);
    }
    of_operator.reply().await.refused_by_operator(33105, Value::Null);
    assert!(of_operator.is_over().await && !ending.is_finished(), "the carrier has not answered");
    stage.smsc.disconnect_all();
    ended(ending).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_under_way_and_a_fetch_under_way_are_refused_at_once() {
    let media = MediaServer::start().await;
    let mut stage = Stage::with(|config, _| {
        media.allow(config);
        (config.dispatch.drain_secs, config.api.body_timeout_secs, config.media.timeout_seconds) = (600, 600, 300);
    })
    .await;
    let tenant = stage.tenant().await;
    let whole = tenant.post(&tenant.message(RECIPIENT, "hello")).to_bytes();
    let (mut slow, mut fetching) = (Connection::open(stage.api).await, Connection::open(stage.api).await);
    slow.write(&whole[..whole.len() - 1]).await;
    let picture = json!({ "to": RECIPIENT, "from": tenant.number, "mediaUrl": media.url("slow.jpg") });
    fetching.write(&tenant.post(&picture).to_bytes()).await;
    eventually("the fetch is under way", async || (media.asked() == 1).then_some(())).await;
    let ending = begin_to_end(&mut stage).await;
    for connection in [&mut slow, &mut fetching] {
        connection.reply().await.refused(33105, Value::Null);
    }
    ended(ending).await;
    stage.start_again().await;
    assert_eq!(stage.count(&tenant).await, 0, "what is refused leaves nothing behind");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_carrier_that_answers_nothing_does_not_hold_up_the_end() {
    let port = speechless().await;
    let mut stage = Stage::with(|config, _| {
        smpp(config).port = port;
        (config.dispatch.drain_secs, config.dispatch.lease_secs) = (0, 86_400);
        smpp(config).response_timeout_secs = 300;
    })
    .await;
    let tenant = stage.tenant().await;
    stage.send(&tenant, RECIPIENT, "hello").await;
    eventually("the message has left", async || (stage.carrier("main").await["window"]["used"] == 1).then_some(()))
        .await;
    ended(begin_to_end(&mut stage).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_reads_nothing_does_not_hold_up_the_end() {
    let mut stage =
        Stage::with(|config, _| (config.dispatch.drain_secs, config.api.write_timeout_secs) = (0, 3_600)).await;
    let (mut silent, mut written) = (TcpStream::connect(stage.api).await.unwrap(), 0);
    let many = Ask::new("GET", "/page/errors").to_bytes().repeat(100);
    // Until the platform reads no more, because nothing that it writes is read.
    while tokio::time::timeout(Duration::from_millis(500), silent.write_all(&many)).await.is_ok() {
        written += many.len();
    }
    assert!(written > 0);
    ended(begin_to_end(&mut stage).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_store_that_hangs_or_is_full_does_not_hold_up_the_end() {
    let troubles: [(Trouble, &'static [&'static str]); 6] = [
        (Trouble::full(), &["record_outcomes"]),
        (Trouble::Hangs, &["record_outcomes"]),
        (
            Trouble::full(),
            &[
                "record_outcomes",
                "record_receipts",
                "release",
                "begin_attempts",
                "lease_due",
                "admit",
                "expire",
                "probe",
            ],
        ),
        (
            Trouble::Hangs,
            &[
                "record_outcomes",
                "record_receipts",
                "release",
                "begin_attempts",
                "lease_due",
                "admit",
                "expire",
                "probe",
            ],
        ),
        (Trouble::Hangs, &["release"]),
        (Trouble::Hangs, &["close"]),
    ];
    let [first, second, third, fourth, fifth, sixth] =
        troubles.map(|(trouble, calls)| Box::pin(ends_with(trouble, calls)));
    tokio::join!(first, second, third, fourth, fifth, sixth);
}

async fn ends_with(trouble: Trouble, calls: &'static [&'static str]) {
    let (mut stage, store) = Stage::gated(|config, _| config.dispatch.drain_secs = 1).await;
    let tenant = stage.tenant().await;
    store.trouble(calls, &trouble);
    let mut waiting = Connection::open(stage.api).await;
    waiting.write(&tenant.post(&tenant.message(RECIPIENT, "hello")).header("prefer", "wait=30").to_bytes()).await;
    match calls.contains(&"admit") {
        true => store.met().await,
        false => eventually("the message is on disk", async || (stage.count(&tenant).await == 1).then_some(())).await,
    }
    if calls == ["record_outcomes"] {
        store.met().await;
    }
    let ending = begin_to_end(&mut stage).await;
    let reply = waiting.reply().await;
    match calls.contains(&"admit") {
        // Nothing is promised, and the client hears so although its handler hangs.
        true => reply.refused(33105, Value::Null),
        false => drop(reply.expect(201)),
    }
    ended(ending).await;
}
