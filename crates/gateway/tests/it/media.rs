//! Media: what may be fetched, what is kept of it, and what a refusal leaves behind.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use runtime::Machine;
use serde_json::{Value, json};

use crate::idempotency::Trap;
use crate::support::http::{Ask, Connection};
use crate::support::media::{MediaServer, PHOTO};
use crate::support::{RECIPIENT, Stage, Tenant, eventually, files};

/// Where the time stands still, so that no quota begins anew.
const NOON: &str = "2026-03-15T12:00:00.000Z";

async fn stage() -> (Stage, MediaServer) {
    let server = MediaServer::start().await;
    let stage = Stage::with(|config, _| server.allow(config)).await;
    (stage, server)
}

/// The same account with a test key, whose messages reach nobody.
async fn tester(stage: &Stage, tenant: &Tenant) -> Tenant {
    stage.key(tenant, json!({ "mode": "test" })).await
}

fn mms(tenant: &Tenant, url: &str) -> Value {
    json!({ "to": RECIPIENT, "from": tenant.number, "body": "look", "mediaUrl": url })
}

/// What the files of the media directory hold.
fn kept(stage: &Stage) -> Vec<Vec<u8>> {
    files(&stage.config.media.directory)
}

#[tokio::test]
async fn a_message_with_media_is_on_disk_with_them_when_it_is_accepted() {
    let (stage, server) = stage().await;
    let tenant = tester(&stage, &stage.tenant().await).await;
    let url = server.url("photo.jpg");
    let made = stage.ask(&tenant.post(&mms(&tenant, &url))).await.expect(201);
    assert_eq!(kept(&stage), [PHOTO]);
    assert_eq!((&made["messageType"], &made["mediaUrl"], &made["segments"]), (&json!("MMS"), &json!(url), &json!(1)));
    let message = stage.reaches(&tenant, &made["id"], "delivered").await;
    assert_eq!((&message["body"], &message["mediaUrl"]), (&json!("look"), &json!(url)));
}

#[tokio::test]
async fn a_message_may_be_of_media_alone_or_of_text_alone() {
    let (stage, server) = stage().await;
    let tenant = tester(&stage, &stage.tenant().await).await;
    for message in [
        json!({ "to": RECIPIENT, "from": tenant.number, "mediaUrl": server.url("photo.jpg") }),
        json!({ "to": RECIPIENT, "from": tenant.number, "messageType": "MMS", "body": "x".repeat(1_600) }),
    ] {
        let made = stage.ask(&tenant.post(&message)).await.expect(201);
        assert_eq!((&made["messageType"], &made["segments"]), (&json!("MMS"), &json!(1)));
        stage.reaches(&tenant, &made["id"], "delivered").await;
    }
}

#[tokio::test]
async fn the_same_media_are_kept_once_for_messages_and_for_a_broadcast() {
    let (stage, server) = stage().await;
    let tenant = tester(&stage, &stage.tenant().await).await;
    for _ in 0..2 {
        stage.ask(&tenant.post(&mms(&tenant, &server.url("photo.jpg")))).await.expect(201);
    }
    let broadcast = json!({
        // The sandbox answers the next one with a picture of its handset.
        "recipients": crate::broadcast::recipients(12),
        "from": tenant.number,
        "mediaUrl": server.url("photo.jpg"),
    });
    let made = stage.ask(&tenant.broadcast(&broadcast)).await.expect(201);
    assert_eq!(made["messageType"], "MMS");
    stage.broadcast_when(&tenant, &made["id"], "has ended", |broadcast| broadcast["status"] == "completed").await;
    let page = stage
        .ask(&tenant.get(&format!("/message?broadcastId={}&limit=1", made["id"].as_str().unwrap())))
        .await
        .expect(200);
    assert_eq!(
        (&page["data"][0]["messageType"], &page["data"][0]["mediaUrl"]),
        (&json!("MMS"), &json!(server.url("photo.jpg")))
    );
    assert_eq!((kept(&stage).len(), server.asked()), (1, 3), "a broadcast fetches once");
}

#[tokio::test]
async fn each_reason_against_media_has_its_code_and_leaves_nothing_behind() {
    let server = MediaServer::start().await;
    let stage = Stage::at(NOON, |config, _| server.allow(config)).await;
    let tenant = stage.tenant_with(json!({ "dailyQuota": 1 })).await;
    let nobody = server.url("photo.jpg").replace("127.0.0.1", "no-such-host.invalid");
    for (url, code) in [
        ("http://10.0.0.1/photo.jpg".to_owned(), 33018),
        (server.url("photo.jpg").replace("127.0.0.1", "localhost"), 33018),
        (nobody, 33017),
        (server.url("nothing.jpg"), 33017),
        (server.url("cut.jpg"), 33017),
        (server.url("large.jpg"), 33014),
        (server.url("page.jpg"), 33015),
    ] {
        let reply = stage.ask(&tenant.post(&mms(&tenant, &url)).header("idempotency-key", "order-1")).await;
        assert_eq!(reply.code(), code, "{url}: {reply}");
        assert!(!reply.text().contains("127.0.0.1"), "{reply}");
        let broadcast = json!({ "recipients": [RECIPIENT], "from": tenant.number, "mediaUrl": url });
        assert_eq!(stage.ask(&tenant.broadcast(&broadcast)).await.code(), code, "{url}");
    }
    assert_eq!((stage.count(&tenant).await, kept(&stage).len()), (0, 0));
    let metrics = Ask::new("GET", "/metrics").send(stage.admin).await.text();
    for line in [
        "not_allowed_total 4",
        "failed_total 6",
        "too_large_total 2",
        "unsupported_total 2",
        "crowded_total 0",
        "fetched_total 0",
        "lost_total 0",
    ] {
        assert!(metrics.contains(&format!("smsfactory_media_{line}\n")), "{line}: {metrics}");
    }
    // Neither the quota nor the key was used.
    stage
        .ask(&tenant.post(&mms(&tenant, &server.url("photo.jpg"))).header("idempotency-key", "order-1"))
        .await
        .expect(201);
    stage.ask(&tenant.post(&mms(&tenant, &server.url("photo.jpg")))).await.refused(33012, Value::Null);
}

#[tokio::test]
async fn what_the_quota_refuses_keeps_no_media() {
    let (stage, server) = stage().await;
    let tenant = stage.tenant_with(json!({ "dailyQuota": 0 })).await;
    stage.ask(&tenant.post(&mms(&tenant, &server.url("photo.jpg")))).await.refused(33012, Value::Null);
    assert_eq!((server.asked(), kept(&stage).len()), (1, 0));
}

#[tokio::test]
async fn the_same_request_is_not_made_twice_while_its_media_are_fetched() {
    let (stage, server) = stage().await;
    let tenant = tester(&stage, &stage.tenant().await).await;
    let ask = tenant.post(&mms(&tenant, &server.url("slow.jpg"))).header("idempotency-key", "order-1");
    let mut first = Connection::open(stage.api).await;
    first.write(&ask.to_bytes()).await;
    eventually("its media are asked for", async || (server.asked() == 1).then_some(())).await;
    stage.ask(&ask).await.refused(33013, Value::Null);
    let text = json!({ "to": RECIPIENT, "from": tenant.number, "body": "another" });
    stage.ask(&tenant.post(&text).header("idempotency-key", "order-1")).await.refused(33013, Value::Null);
    server.let_go(1);
    let made = first.reply().await.expect(201);
    assert_eq!(stage.ask(&ask).await.expect(201)["id"], made["id"]);
    assert_eq!((server.asked(), stage.count(&tenant).await), (1, 1));
}

#[tokio::test]
async fn a_failure_while_media_are_fetched_frees_the_key() {
    let (server, trap) = (MediaServer::start().await, Arc::new(Trap::default()));
    let stage =
        Stage::on(Arc::new(Machine::new()), trap.clone(), Arc::default(), |config, _| server.allow(config)).await;
    let tenant = tester(&stage, &stage.tenant().await).await;
    let ask = tenant.post(&mms(&tenant, &server.url("photo.jpg"))).header("idempotency-key", "order-1");
    trap.0.store(true, Ordering::SeqCst);
    stage.ask(&ask).await.refused(33000, Value::Null);
    trap.0.store(false, Ordering::SeqCst);
    let made =
        eventually("the key is free", async || Some(stage.ask(&ask).await).filter(|reply| reply.code() != 33013)).await;
    assert_eq!((made.status, made.header("idempotent-replayed")), (201, None), "{made}");
}

#[tokio::test]
async fn an_answer_that_was_given_is_given_to_any_number_who_ask_for_it_at_once() {
    let (stage, server) = stage().await;
    let tenant = tester(&stage, &stage.tenant().await).await;
    let ask = tenant.post(&mms(&tenant, &server.url("photo.jpg"))).header("idempotency-key", "order-1");
    let made = stage.ask(&ask).await.expect(201);
    let mut waiting = Vec::new();
    for _ in 0..50 {
        let mut connection = Connection::open(stage.api).await;
        connection.write(&ask.to_bytes()).await;
        waiting.push(connection);
    }
    for mut connection in waiting {
        assert_eq!(connection.reply().await.expect(201)["id"], made["id"]);
    }
    assert_eq!((server.asked(), stage.count(&tenant).await), (1, 1));
}

#[tokio::test]
async fn a_server_that_hangs_holds_up_its_own_account_alone() {
    let server = MediaServer::start().await;
    let stage = Stage::with(|config, _| {
        server.allow(config);
        (config.media.fetches_per_account, config.media.fetches_max) = (4, 8);
    })
    .await;
    let (hanging, other) = (stage.tenant().await, stage.tenant().await);
    let (hanging, other) = (tester(&stage, &hanging).await, tester(&stage, &other).await);
    let ask: Ask = hanging.post(&mms(&hanging, &server.url("slow.jpg")));
    let mut waiting = Vec::new();
    for _ in 0..30 {
        let mut connection = Connection::open(stage.api).await;
        connection.write(&ask.to_bytes()).await;
        waiting.push(connection);
    }
    eventually("as many are asked for as may be", async || (server.asked() == 4).then_some(())).await;
    let answered = tokio::time::timeout(Duration::from_secs(2), async {
        stage.ask(&other.post(&mms(&other, &server.url("photo.jpg")))).await.expect(201);
        stage.send(&other, RECIPIENT, "hello").await
    });
    answered.await.expect("the other account is served meanwhile");
    assert_eq!(server.asked(), 5);
    server.let_go(30);
}
