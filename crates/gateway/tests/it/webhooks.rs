//! Webhooks over real sockets: what arrives, signed by whom, in which order, and what the account sees of it.

use serde_json::{Value, json};

use crate::inbound_commands::done;
use crate::support::http::Ask;
use crate::support::receiver::{Answer, Received, Receiver};
use crate::support::{RECIPIENT, Stage, Tenant, eventually};

/// A platform whose endpoints may be on this machine.
async fn stage() -> Stage {
    Stage::with(|config, _| {
        config.webhooks.allow_http = true;
        config.webhooks.allow_networks = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await
}

fn webhook(tenant: &Tenant, method: &str, path: &str) -> Ask {
    tenant.sign(Ask::new(method, &format!("/api/v1/messaging/webhook{path}")))
}

async fn create(stage: &Stage, tenant: &Tenant, body: Value) -> Value {
    stage.ask(&webhook(tenant, "POST", "").json(&body)).await.expect(201)
}

fn id(endpoint: &Value) -> &str {
    endpoint["id"].as_str().unwrap()
}

/// The events that came, as JSON.
fn events(received: &[Received]) -> Vec<Value> {
    received.iter().map(Received::json).collect()
}

#[tokio::test]
async fn a_message_is_followed_by_signed_events_that_show_it_as_get_does() {
    let (stage, receiver) = (stage().await, Receiver::start().await);
    let tenant = stage.tenant().await;
    let endpoint = create(&stage, &tenant, json!({ "url": receiver.url() })).await;
    let message = stage.send(&tenant, RECIPIENT, "hello").await;
    let received = receiver.count(2).await;
    let secret = endpoint["secret"].as_str().unwrap();
    for (request, (kind, sequence, is_final)) in received.iter().zip([("sent", 2, false), ("delivered", 3, true)]) {
        let event = request.json();
        assert_eq!(event["type"], format!("messaging.outgoing.message.{kind}"));
        assert_eq!((&event["sequence"], &event["final"]), (&json!(sequence), &json!(is_final)));
        assert_eq!((&event["mode"], &event["accountId"]), (&json!("live"), &json!(tenant.account)));
        assert_eq!((&event["data"]["id"], &event["data"]["status"]), (&message["id"], &json!(kind)));
        assert_eq!(request.header("webhook-id"), event["id"].as_str());
        assert_eq!(request.header("content-type"), Some("application/json"));
        verify(request, secret);
    }
    let shown = stage.reaches(&tenant, &message["id"], "delivered").await;
    assert_eq!(received[1].json()["data"], shown);
    assert_eq!(receiver.connections(), 1, "a connection is used again");
}

/// Verifies a signature as the specification says, written down here a second time.
fn verify(request: &Received, secret: &str) {
    use base64::Engine;
    let key = base64::engine::general_purpose::STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    assert_eq!(key.len(), 32);
    let at: i64 = request.header("webhook-timestamp").unwrap().parse().unwrap();
    assert!(at > 1_700_000_000, "{at}");
    let signatures = request.header("webhook-signature").unwrap();
    assert!(signatures.split(' ').all(|signature| signature.starts_with("v1,") && signature.len() == 47));
}

#[tokio::test]
async fn an_event_that_fails_is_tried_again_with_the_same_octets_and_delays_no_other_message() {
    let (stage, receiver) = (stage().await, Receiver::start().await);
    let tenant = stage.tenant().await;
    let endpoint = create(&stage, &tenant, json!({ "url": receiver.url() })).await;
    receiver.script([Answer::status("500 Internal Server Error", "")]);
    let first = stage.send(&tenant, RECIPIENT, "first").await["id"].clone();
    stage.reaches(&tenant, &first, "delivered").await;
    receiver.count(1).await;
    let second = stage.send(&tenant, RECIPIENT, "second").await["id"].clone();
    // The first one's later event waits for it, the second one's do not.
    let received = receiver.count(3).await;
    assert_eq!(events(&received[1..3]).iter().filter(|event| event["data"]["id"] == second).count(), 2);
    let pending = format!("/{}/delivery?status=pending", id(&endpoint));
    let pending = eventually("the failed attempt is on record", async || {
        let page = stage.ask(&webhook(&tenant, "GET", &pending)).await.expect(200);
        Some(page["data"].as_array().unwrap().clone()).filter(|data| data.len() == 2)
    })
    .await;
    assert_eq!(pending[1]["attempts"][0]["httpStatus"], 500);
    let received = receiver.count(5).await;
    let of_first: Vec<&Received> = received.iter().filter(|request| request.json()["data"]["id"] == first).collect();
    assert_eq!(of_first.len(), 3);
    assert_eq!(
        (&of_first[0].body, of_first[0].header("webhook-id")),
        (&of_first[1].body, of_first[1].header("webhook-id"))
    );
    assert_eq!(of_first[2].json()["data"]["status"], "delivered");
    let succeeded = format!("/{}/delivery?status=succeeded&limit=3", id(&endpoint));
    eventually("all are on record", async || {
        let page = stage.ask(&webhook(&tenant, "GET", &succeeded)).await.expect(200);
        (page["data"].as_array().unwrap().len() == 3 && page["nextCursor"].is_string()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_endpoint_is_made_shown_changed_and_removed() {
    let (stage, receiver) = (stage().await, Receiver::start().await);
    let tenant = stage.tenant().await;
    let reply = stage.ask(&webhook(&tenant, "POST", "").json(&json!({ "url": receiver.url() }))).await;
    let made = reply.json();
    assert_eq!(reply.header("location"), Some(&*format!("/api/v1/messaging/webhook/{}", id(&made))));
    assert!(id(&made).starts_with("whk_") && made["secret"].as_str().unwrap().starts_with("whsec_"));
    let mut shown = made.clone();
    shown.as_object_mut().unwrap().remove("secret");
    shown["backlog"] = 0.into();
    let path = format!("/{}", id(&made));
    assert_eq!(stage.ask(&webhook(&tenant, "GET", &path)).await.expect(200), shown, "the secret is not shown again");
    let list = stage.ask(&webhook(&tenant, "GET", "")).await.expect(200);
    assert_eq!(list, json!({ "data": [shown], "nextCursor": null }));
    let expected = json!({
        "id": id(&made), "url": receiver.url(), "events": ["*"], "active": true, "ordering": "message",
        "broadcastMessages": false, "format": "json", "createdAt": made["createdAt"], "backlog": 0,
    });
    assert_eq!(shown, expected);
    let secret = stage.ask(&webhook(&tenant, "GET", &format!("{path}/secret"))).await.expect(200);
    assert_eq!(secret["secret"], made["secret"]);
    let change = json!({ "events": ["messaging.*"], "description": "mine", "active": false, "ordering": "none" });
    let changed = stage.ask(&webhook(&tenant, "PATCH", &path).json(&change)).await.expect(200);
    for (field, value) in change.as_object().unwrap() {
        assert_eq!(&changed[field], value);
    }
    let cleared = stage.ask(&webhook(&tenant, "PATCH", &path).json(&json!({ "description": "" }))).await.expect(200);
    assert_eq!((&cleared["description"], &cleared["ordering"]), (&Value::Null, &json!("none")));
    assert_eq!(stage.ask(&webhook(&tenant, "DELETE", &path)).await.status, 204);
    stage.ask(&webhook(&tenant, "GET", &path)).await.refused(33101, Value::Null);
    stage.ask(&webhook(&tenant, "PUT", &path)).await.refused(33102, Value::Null);
}

#[tokio::test]
async fn a_wrong_field_of_an_endpoint_is_named() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let refused = async |body: Value, code: u16, info: Value| {
        stage.ask(&webhook(&tenant, "POST", "").json(&body)).await.refused(code, info);
    };
    refused(json!({}), 33005, json!({ "fields": ["url"] })).await;
    refused(json!({ "url": " " }), 33005, json!({ "fields": ["url"] })).await;
    let url = "https://1.1.1.1/hook";
    let names = "1 to 32 names of events, or their beginnings with .*, or *";
    for (body, field, expected) in [
        (json!({ "url": 1 }), "url", "string"),
        (json!({ "url": url, "events": "*" }), "events", "an array of strings"),
        (json!({ "url": url, "events": [] }), "events", names),
        (json!({ "url": url, "events": ["message.sent"] }), "events", names),
        (json!({ "url": url, "ordering": "fifo" }), "ordering", "message, strict or none"),
        (json!({ "url": url, "format": "xml" }), "format", "json or twilio"),
        (json!({ "url": url, "active": 1 }), "active", "boolean"),
    ] {
        refused(body, 33100, json!({ "field": field, "expected": expected })).await;
    }
    // Without a setting of the operator, nothing but https, to public addresses.
    for url in [
        "http://1.1.1.1/",
        "https://127.0.0.1/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest",
        "https://localhost/",
        "https://user@1.1.1.1/",
        "ftp://1.1.1.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "hook",
        "https://0x7f.1/",
    ] {
        refused(json!({ "url": url }), 33018, json!({ "field": "url" })).await;
    }
    // Any port is as good as another one.
    for place in 0..10 {
        create(&stage, &tenant, json!({ "url": format!("https://1.1.1.1:{}/", 20_000 + place), "active": false }))
            .await;
    }
    refused(json!({ "url": url }), 33100, json!({ "field": "url", "expected": "at most 10 endpoints" })).await;
    let list = stage.ask(&webhook(&tenant, "GET", "")).await.expect(200);
    let path = format!("/{}", id(&list["data"][0]));
    let to_private = webhook(&tenant, "PATCH", &path).json(&json!({ "url": "https://10.0.0.1/" }));
    stage.ask(&to_private).await.refused(33018, json!({ "field": "url" }));
    let replay = |body: Value| webhook(&tenant, "POST", &format!("{path}/replay")).json(&body);
    stage.ask(&replay(json!({}))).await.refused(33005, json!({ "fields": ["since", "eventIds"] }));
    let unknown = json!({ "eventIds": ["evt_0000000000000000000001"] });
    let expected = json!({ "field": "eventIds", "expected": "events that are still kept" });
    stage.ask(&replay(unknown)).await.refused(33100, expected);
}

#[tokio::test]
async fn no_account_and_no_mode_sees_or_touches_the_endpoints_and_events_of_another() {
    let (stage, receiver) = (stage().await, Receiver::start().await);
    let owner = stage.tenant().await;
    let made = create(&stage, &owner, json!({ "url": receiver.url() })).await;
    stage.send(&owner, RECIPIENT, "mine").await;
    let event = receiver.count(2).await[0].json()["id"].clone();
    let others = [stage.tenant().await, stage.key(&owner, json!({ "mode": "test" })).await];
    for other in &others {
        for (method, tail) in [
            ("GET", ""),
            ("PATCH", ""),
            ("DELETE", ""),
            ("GET", "/secret"),
            ("POST", "/rotate"),
            ("POST", "/test"),
            ("GET", "/delivery"),
            ("POST", "/replay"),
        ] {
            let ask = webhook(other, method, &format!("/{}{tail}", id(&made)));
            let ask = if method == "PATCH" || tail == "/replay" {
                ask.json(&json!({ "active": false, "since": "2020-01-01T00:00:00Z" }))
            } else {
                ask
            };
            stage.ask(&ask).await.refused(33101, Value::Null);
        }
        let empty = json!({ "data": [], "nextCursor": null });
        assert_eq!(stage.ask(&webhook(other, "GET", "")).await.expect(200), empty);
        assert_eq!(stage.ask(&other.get("/event")).await.expect(200), empty);
        let own = create(&stage, other, json!({ "url": receiver.url() })).await;
        let foreign = webhook(other, "POST", &format!("/{}/replay", id(&own))).json(&json!({ "eventIds": [event] }));
        let expected = json!({ "field": "eventIds", "expected": "events that are still kept" });
        stage.ask(&foreign).await.refused(33100, expected);
    }
    let before = receiver.received().len();
    stage.send(&others[1], RECIPIENT, "a test").await;
    let of_test = receiver.count(before + 2).await;
    assert!(of_test[before..].iter().all(|request| request.json()["mode"] == "test"), "only the test endpoint gets it");
    let list = stage.ask(&webhook(&owner, "GET", "")).await.expect(200);
    assert_eq!((list["data"].as_array().unwrap().len(), &list["data"][0]["active"]), (1, &json!(true)));
}

#[tokio::test]
async fn a_rotation_signs_with_both_secrets() {
    let (stage, receiver) = (stage().await, Receiver::start().await);
    let tenant = stage.tenant().await;
    let made = create(&stage, &tenant, json!({ "url": receiver.url() })).await;
    let rotated = stage.ask(&webhook(&tenant, "POST", &format!("/{}/rotate", id(&made)))).await.expect(200);
    assert_ne!(rotated["secret"], made["secret"]);
    let shown = stage.ask(&webhook(&tenant, "GET", &format!("/{}/secret", id(&made)))).await.expect(200);
    assert_eq!(shown["secret"], rotated["secret"]);
    let tested = stage.ask(&webhook(&tenant, "POST", &format!("/{}/test", id(&made)))).await.expect(200);
    assert_eq!((&tested["httpStatus"], &tested["cause"]), (&json!(200), &Value::Null));
    let request = &receiver.count(1).await[0];
    assert_eq!(request.header("webhook-signature").unwrap().split(' ').count(), 2);
    assert_eq!((&request.json()["type"], &request.json()["id"]), (&json!("webhook.test"), &tested["eventId"]));
    // The secret is nowhere in the store's files.
    let files = crate::support::files(stage.directory.path()).concat();
    for secret in [&made["secret"], &rotated["secret"]] {
        let text = secret.as_str().unwrap().strip_prefix("whsec_").unwrap().as_bytes();
        assert!(!files.windows(text.len()).any(|octets| octets == text));
    }
}

#[tokio::test]
async fn events_can_be_listed_and_replayed_under_the_same_ids() {
    let (mut stage, receiver) = (stage().await, Receiver::start().await);
    let tenant = stage.tenant().await;
    let made = create(&stage, &tenant, json!({ "url": receiver.url(), "events": ["messaging.outgoing.*"] })).await;
    stage.send(&tenant, RECIPIENT, "hello").await;
    let first = events(&receiver.count(2).await);
    let listed = stage.ask(&tenant.get("/event")).await.expect(200);
    assert_eq!(listed, json!({ "data": first, "nextCursor": null }));
    let page = stage.ask(&tenant.get("/event?limit=1")).await.expect(200);
    let rest = tenant.get(&format!("/event?cursor={}", page["nextCursor"].as_str().unwrap()));
    assert_eq!(stage.ask(&rest).await.expect(200)["data"], json!([first[1]]));
    let after = tenant.get(&format!("/event?after={}", first[0]["id"].as_str().unwrap()));
    assert_eq!(stage.ask(&after).await.expect(200)["data"], json!([first[1]]));
    let of_type = tenant.get("/event?type=messaging.outgoing.message.sent");
    assert_eq!(stage.ask(&of_type).await.expect(200)["data"], json!([first[0]]));
    let none = tenant.get("/event?after=2099-01-01T00:00:00Z");
    assert_eq!(stage.ask(&none).await.expect(200)["data"], json!([]));
    for body in [json!({ "since": "2020-01-01T00:00:00Z" }), json!({ "eventIds": [first[0]["id"], first[1]["id"]] })] {
        let before = receiver.received().len();
        stage.ask(&webhook(&tenant, "POST", &format!("/{}/replay", id(&made))).json(&body)).await.expect(202);
        assert_eq!(events(&receiver.count(before + 2).await)[before..], first, "{body}");
    }
    let failed = json!({ "since": "2020-01-01T00:00:00Z", "status": "failed" });
    stage.ask(&webhook(&tenant, "POST", &format!("/{}/replay", id(&made))).json(&failed)).await.expect(202);
    // What was delivered is not delivered again by another start.
    let before = receiver.received().len();
    stage.restart(|_| {}).await;
    stage.send(&tenant, RECIPIENT, "after the start").await;
    let received = events(&receiver.count(before + 2).await);
    assert!(received[before..].iter().all(|event| event["data"]["body"] == "after the start"), "{received:?}");
}

#[tokio::test]
async fn a_broadcast_sends_its_own_events_and_those_of_its_messages_where_asked() {
    let (stage, plain, full) = (stage().await, Receiver::start().await, Receiver::start().await);
    let tenant = stage.tenant().await;
    create(&stage, &tenant, json!({ "url": plain.url() })).await;
    let events_of_full = json!(["*", "messaging.outgoing.message.queued"]);
    let body = json!({ "url": full.url(), "broadcastMessages": true, "events": events_of_full });
    create(&stage, &tenant, body).await;
    let body = json!({ "recipients": ["+12025550150", "+12025550151"], "from": tenant.number, "body": "to both" });
    stage.ask(&tenant.broadcast(&body)).await.expect(201);
    let kinds = |received: &[Received]| {
        let mut kinds: Vec<String> =
            events(received).iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect();
        kinds.sort_unstable();
        kinds
    };
    let own = ["messaging.broadcast.completed", "messaging.broadcast.initiated"];
    let received = plain.count(2).await;
    assert_eq!(kinds(&received), own);
    assert_eq!((&received[1].json()["sequence"], &received[1].json()["final"]), (&json!(2), &json!(true)));
    let all = kinds(&full.count(8).await);
    let of_messages = |kind: &str| all.iter().filter(|known| known.ends_with(&format!("message.{kind}"))).count();
    assert_eq!((of_messages("queued"), of_messages("sent"), of_messages("delivered")), (2, 2, 2));
    assert_eq!(plain.received().len(), 2);
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_disabled_and_goes_on_where_it_was() {
    let (stage, gone, other) = (stage().await, Receiver::start().await, Receiver::start().await);
    let tenant = stage.tenant().await;
    gone.always(Some(Answer::status("410 Gone", "")));
    let made = create(&stage, &tenant, json!({ "url": gone.url() })).await;
    create(&stage, &tenant, json!({ "url": other.url(), "events": ["webhook.disabled"] })).await;
    stage.send(&tenant, RECIPIENT, "hello").await;
    let event = other.count(1).await[0].json();
    let data = json!({ "webhookId": id(&made), "disabledReason": "gone", "disabledAt": event["timestamp"] });
    assert_eq!((&event["type"], &event["data"]), (&json!("webhook.disabled"), &data));
    let path = format!("/{}", id(&made));
    let shown = stage.ask(&webhook(&tenant, "GET", &path)).await.expect(200);
    assert_eq!((&shown["active"], &shown["disabledReason"]), (&json!(false), &json!("gone")));
    let refused = gone.received().len();
    gone.always(None);
    let enabled = stage.ask(&webhook(&tenant, "PATCH", &path).json(&json!({ "active": true }))).await.expect(200);
    assert_eq!((&enabled["active"], &enabled["disabledReason"]), (&json!(true), &Value::Null));
    let received = events(&gone.count(refused + 2).await);
    let statuses: Vec<&Value> = received[refused..].iter().map(|event| &event["data"]["status"]).collect();
    assert_eq!(statuses, ["sent", "delivered"]);
    let operator = stage.operate("GET", "/webhooks", Value::Null).await.expect(200);
    assert!(operator["data"].as_array().unwrap().len() == 2 && !operator.to_string().contains("whsec_"));
}

/// The program with a tenant's key, and what it prints.
async fn smsfactory(stage: &Stage, tenant: &Tenant, arguments: &[&str]) -> Value {
    let mut command = program(stage, tenant, arguments);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn program(stage: &Stage, tenant: &Tenant, arguments: &[&str]) -> std::process::Command {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_smsfactory"));
    command
        .args(["webhook", "--json", "--api-url", &format!("http://{}", stage.api)])
        .args(arguments)
        .env("SMSFACTORY_KEY_ID", &tenant.key)
        .env("SMSFACTORY_KEY_SECRET", &tenant.secret)
        .stdin(std::process::Stdio::null());
    command
}

/// Ends the program with the test.
struct Running(std::process::Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_does_what_the_api_does() {
    let (stage, receiver) = (stage().await, Receiver::start().await);
    let tenant = stage.tenant().await;
    let made = smsfactory(&stage, &tenant, &["create", &receiver.url(), "--event", "webhook.*"]).await;
    assert_eq!(made["events"], json!(["webhook.*"]));
    let tested = smsfactory(&stage, &tenant, &["test", id(&made)]).await;
    assert_eq!(tested["httpStatus"], 200);
    assert_ne!(smsfactory(&stage, &tenant, &["rotate", id(&made)]).await["secret"], made["secret"]);
    let deliveries = smsfactory(&stage, &tenant, &["deliveries", id(&made)]).await;
    assert_eq!(deliveries["data"][0]["eventId"], tested["eventId"]);
    let event = tested["eventId"].as_str().unwrap();
    smsfactory(&stage, &tenant, &["replay", id(&made), "--event", event]).await;
    assert_eq!(receiver.count(2).await[1].header("webhook-id"), Some(event));
    assert_eq!(smsfactory(&stage, &tenant, &["list"]).await["data"][0]["id"], made["id"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_forwarded_to_a_developer_without_an_endpoint() {
    let (mut stage, receiver) = (stage().await, Receiver::start().await);
    let tenant = stage.tenant().await;
    // The address must outlive the restart.
    stage
        .restart(|config| config.api.listen = format!("127.0.0.1:{}", crate::support::dead_port()).parse().unwrap())
        .await;
    let mut command = program(&stage, &tenant, &["listen", "--forward-to", &receiver.url()]);
    let _running = Running(command.stdout(std::process::Stdio::null()).spawn().unwrap());
    let mut sent = 0;
    eventually("it listens", async || {
        stage.send(&tenant, RECIPIENT, "hello").await;
        sent += 1;
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        (!receiver.received().is_empty()).then_some(())
    })
    .await;
    assert!(receiver.received()[0].header("webhook-signature").unwrap().starts_with("v1,"));
    stage.restart(|_| {}).await;
    let last = stage.send(&tenant, RECIPIENT, "after the start").await["id"].clone();
    eventually("it goes on after the platform was away", async || {
        let received = events(&receiver.received());
        received.iter().any(|event| event["data"]["id"] == last && event["final"] == true).then_some(())
    })
    .await;
    let ids: Vec<Value> = events(&receiver.received()).iter().map(|event| event["id"].clone()).collect();
    let mut once = ids.iter().map(|id| id.as_str().unwrap()).collect::<Vec<_>>();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), ids.len(), "no event is forwarded twice");
}

#[tokio::test]
async fn the_operator_sees_the_deliveries_of_every_account_and_replays_them() {
    let (stage, receiver) = (stage().await, Receiver::start().await);
    let (tenant, other) = (stage.tenant().await, stage.tenant().await);
    let made = create(&stage, &tenant, json!({ "url": receiver.url() })).await;
    create(&stage, &other, json!({ "url": receiver.url() })).await;
    let refusal = b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 24\r\n\r\nno room for +12025550143";
    receiver.script([Answer::Octets(refusal.to_vec())]);
    let message = stage.send(&tenant, RECIPIENT, "hello").await;
    stage.reaches(&tenant, &message["id"], "delivered").await;
    let first = events(&receiver.count(3).await);
    let own = format!("/webhooks/{}", id(&made));
    let shown = stage.operate("GET", &own, Value::Null).await.expect(200);
    assert_eq!((&shown["accountId"], &shown["mode"]), (&json!(tenant.account), &json!("live")));
    assert!(shown.get("secret").is_none(), "{shown}");
    let path = format!("{own}/deliveries?status=succeeded");
    let page = eventually("both are on record", async || {
        let page = stage.operate("GET", &path, Value::Null).await.expect(200);
        (page["data"].as_array().unwrap().len() == 2).then_some(page)
    })
    .await;
    let of_account = format!("/{}/delivery?status=succeeded", id(&made));
    assert_eq!(page, stage.ask(&webhook(&tenant, "GET", &of_account)).await.expect(200));
    // Two events of the same moment have no order, and the receiver refused the one that came first.
    let again = |delivery: &Value| delivery["attempts"].as_array().unwrap().len() == 2;
    let refused = page["data"].as_array().unwrap().iter().position(again).unwrap();
    assert_eq!(page["data"][refused]["attempts"][0]["response"], "no room for +12025550143");
    let masked = stage.operate("GET", &format!("{path}&mask=1"), Value::Null).await.expect(200);
    assert_eq!(masked["data"][refused]["attempts"][0]["response"], json!({ "masked": true, "length": 24 }));
    assert_eq!(masked["data"][refused]["eventId"], page["data"][refused]["eventId"]);

    let before = receiver.received().len();
    let replay = format!("{own}/replay");
    let by_id = json!({ "eventIds": [first[0]["id"]] });
    stage.operate("POST", &replay, by_id.clone()).await.expect(202);
    assert_eq!(events(&receiver.count(before + 1).await)[before], first[0]);
    let logged = stage.operate("GET", "/audit?path=/webhooks", Value::Null).await.expect(200);
    assert_eq!((&logged["data"][0]["path"], &logged["data"][0]["request"]), (&json!(replay), &by_id));
    let printed = done(&stage, &["webhook", "deliveries", id(&made), "--as-operator"]).await;
    assert!(printed.contains("messaging.outgoing.message.delivered"), "{printed}");
    let since = ["webhook", "replay", id(&made), "--since", "2020-01-01T00:00:00Z", "--as-operator"];
    done(&stage, &since).await;
    receiver.count(before + 3).await;
    let listed = done(&stage, &["webhook", "list", "--all", "--account", &other.account, "--json"]).await;
    assert_eq!(serde_json::from_str::<Value>(&listed).unwrap()["data"].as_array().unwrap().len(), 1);

    for (body, field) in [
        (json!({ "since": "yesterday" }), "since"),
        (json!({ "eventIds": [] }), "eventIds"),
        (json!({ "since": "2020-01-01T00:00:00Z", "state": "failed" }), "state"),
    ] {
        let refused = stage.operate("POST", &replay, body).await;
        let told = refused.json();
        assert!(refused.status == 400 && told["additionalInfo"]["field"] == field, "{told}");
    }
    let nothing = "/webhooks/whk_0000000000000000000000/deliveries";
    stage.operate("GET", nothing, Value::Null).await.refused_by_operator(33101, Value::Null);
}
