//! The door for clients of Twilio's API: their requests, our answers in their words, and forms to their endpoints. That
//! unmodified clients get along with it, `scripts/interfaces` shows.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::{Value, json};

use crate::support::http::{Ask, Reply};
use crate::support::receiver::{Answer, Received, Receiver};
use crate::support::{RECIPIENT, Stage, Tenant, basic, eventually};

/// A platform whose door is open, and whose endpoints may be on this machine.
async fn stage() -> Stage {
    Stage::with(|config, _| {
        config.api.twilio = true;
        config.webhooks.allow_http = true;
        config.webhooks.allow_networks = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await
}

/// What a client of Twilio's API knows: its account SID and its auth token.
struct Client<'a> {
    stage: &'a Stage,
    tenant: &'a Tenant,
    account: String,
}

impl<'a> Client<'a> {
    async fn of(stage: &'a Stage, tenant: &'a Tenant) -> Self {
        let account = stage.operate("GET", &format!("/accounts/{}", tenant.account), Value::Null).await.expect(200);
        let account = account["twilioAccountSid"].as_str().unwrap().to_owned();
        assert!(account.starts_with("AC") && account.len() == 34, "{account}");
        Self { stage, tenant, account }
    }

    fn ask(&self, method: &str, path: &str) -> Ask {
        Ask::new(method, &format!("/2010-04-01/Accounts/{}{path}", self.account))
    }

    async fn sign(&self, ask: Ask) -> Reply {
        self.send(ask.header("authorization", &basic(&self.account, &self.tenant.secret))).await
    }

    async fn send(&self, ask: Ask) -> Reply {
        ask.send(self.stage.api).await
    }

    async fn get(&self, path: &str) -> Reply {
        self.sign(self.ask("GET", path)).await
    }

    async fn post(&self, path: &str, form: &str) -> Reply {
        let ask = self.ask("POST", path).header("content-type", "application/x-www-form-urlencoded");
        self.sign(ask.octets(form)).await
    }

    /// Sends a message with these parameters beside a recipient, the tenant's number and a text.
    async fn message(&self, more: &str) -> Reply {
        let from = &self.tenant.number[1..];
        self.post("/Messages.json", &format!("To=%2B{}&From=%2B{from}&Body=Hi+there{more}", &RECIPIENT[1..])).await
    }
}

/// This is a refusal in Twilio's form, which leads to the page of our code.
#[track_caller]
fn refused(reply: &Reply, status: u16, code: u16, ours: u16) -> String {
    let body = reply.json();
    let fields: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["code", "message", "more_info", "status"], "{reply}");
    assert_eq!((reply.status, &body["status"], &body["code"]), (status, &json!(status), &json!(code)), "{reply}");
    assert_eq!(body["more_info"], format!("https://docs.smsfactory.com/page/errors/{ours}"));
    assert_eq!(reply.header("www-authenticate").is_some(), status == 401, "{reply}");
    reply.has_rate_limit();
    body["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_message_is_one_behind_both_interfaces() {
    let stage = stage().await;
    let tenant = stage.tenant().await;
    let client = Client::of(&stage, &tenant).await;
    let sent = client.message("&ValidityPeriod=600").await.expect(201);
    assert_eq!(
        (&sent["to"], &sent["from"], &sent["body"]),
        (&json!(RECIPIENT), &json!(tenant.number), &json!("Hi there"))
    );
    assert_eq!((&sent["status"], &sent["num_segments"]), (&json!("queued"), &json!("1")));
    let (sid, uri) = (sent["sid"].as_str().unwrap(), sent["uri"].as_str().unwrap());
    assert_eq!(uri, format!("/2010-04-01/Accounts/{}/Messages/{sid}.json", client.account));
    let page = stage.ask(&tenant.get("/message")).await.expect(200);
    let ours = stage.reaches(&tenant, &page["data"][0]["id"], "delivered").await;
    assert_eq!(ours["body"], "Hi there");
    let shown = client.get(&format!("/Messages/{sid}.json")).await.expect(200);
    assert_eq!(
        (&shown["sid"], &shown["status"], &shown["error_code"]),
        (&sent["sid"], &json!("delivered"), &Value::Null)
    );
    assert!(shown["date_sent"].as_str().unwrap().ends_with(" +0000"), "{shown}");
    let listed = client.get("/Messages.json").await.expect(200);
    assert_eq!(listed["messages"], json!([shown]));
}

#[tokio::test]
async fn the_door_is_shut_unless_it_is_opened() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let client = Client::of(&stage, &tenant).await;
    client.message("").await.refused(33101, Value::Null);
    client.get("/Messages.json").await.refused(33101, Value::Null);
}

#[tokio::test]
async fn an_account_is_known_by_its_sid_and_a_secret_or_by_a_key_and_by_nothing_else() {
    let stage = stage().await;
    let (tenant, other) = (stage.tenant().await, stage.tenant().await);
    let second = stage.key(&tenant, json!({ "mode": "test" })).await;
    let (client, strange) = (Client::of(&stage, &tenant).await, Client::of(&stage, &other).await);
    let list = |user: &str, password: &str| {
        client.ask("GET", "/Messages.json").header("authorization", &basic(user, password))
    };
    for (user, password) in
        [(&client.account, &tenant.secret), (&client.account, &second.secret), (&tenant.key, &tenant.secret)]
    {
        client.send(list(user, password)).await.expect(200);
    }
    for (user, password) in [
        (&client.account, &other.secret),
        (&strange.account, &tenant.secret),
        (&client.account, &String::new()),
        (&"AC00000000000000000000000000000000".to_owned(), &tenant.secret),
        (&tenant.key, &second.secret),
    ] {
        refused(&client.send(list(user, password)).await, 401, 20003, 33001);
    }
    refused(&client.send(client.ask("GET", "/Messages.json")).await, 401, 20003, 33001);
    stage.operate("DELETE", &format!("/keys/{}", tenant.key), Value::Null).await.expect(204);
    refused(&client.send(list(&client.account, &tenant.secret)).await, 401, 20003, 33001);
    client.send(list(&client.account, &second.secret)).await.expect(200);
    let ours =
        Ask::new("GET", "/api/v1/messaging/message").header("authorization", &basic(&client.account, &second.secret));
    stage.ask(&ours).await.refused(33001, Value::Null);
}

#[tokio::test]
async fn another_account_and_its_messages_are_nothing_to_a_client() {
    let stage = stage().await;
    let (tenant, other) = (stage.tenant().await, stage.tenant().await);
    let (client, strange) = (Client::of(&stage, &tenant).await, Client::of(&stage, &other).await);
    let theirs = strange.message("").await.expect(201)["sid"].as_str().unwrap().to_owned();
    let path = format!("/Messages/{theirs}.json");
    refused(&client.get(&path).await, 404, 20404, 33101);
    refused(&client.post(&path, "Status=canceled").await, 404, 20404, 33101);
    let authorization = basic(&client.account, &tenant.secret);
    for ask in [
        strange.ask("GET", &path),
        strange.ask("GET", "/Messages.json"),
        strange
            .ask("POST", "/Messages.json")
            .header("content-type", "application/x-www-form-urlencoded")
            .octets("To=1"),
        client.ask("GET", "/Messages/SM1.json"),
        client.ask("GET", &format!("/Messages/{theirs}")),
        client.ask("GET", "/Calls.json"),
        Ask::new("GET", "/2010-04-01"),
        Ask::new("GET", "/2010-04-01/Accounts/x%ff/Messages.json"),
    ] {
        refused(&client.send(ask.header("authorization", &authorization)).await, 404, 20404, 33101);
    }
}

#[tokio::test]
async fn a_refusal_has_the_code_that_clients_of_twilio_know_and_names_the_parameter() {
    let stage = stage().await;
    let (tenant, other) = (stage.tenant().await, stage.tenant().await);
    let client = Client::of(&stage, &tenant).await;
    let (to, from) = (&RECIPIENT[1..], &tenant.number[1..]);
    let body = format!("To=%2B{to}&From=%2B{from}&Body=a");
    for (form, code, ours, named) in [
        (format!("From=%2B{from}&Body=a"), 21604, 33005, "To"),
        (format!("To=%2B{to}&Body=a"), 21603, 33005, "From"),
        (format!("To=%2B{to}&From=%2B{from}"), 21602, 33005, "Body"),
        (format!("To=555&From=%2B{from}&Body=a"), 21211, 33003, "To"),
        (format!("To={to}&From=%2B{from}&Body=a"), 21211, 33003, "To"),
        (format!("To=%2B{to}&From=x%21&Body=a"), 21212, 33003, "From"),
        (format!("To=%2B{to}&From=%2B{}&Body=a", &other.number[1..]), 21606, 33004, ""),
        (format!("{body}&MediaUrl=http%3A%2F%2F10.0.0.1%2Fa.png"), 21620, 33018, ""),
        (format!("{body}&MessagingServiceSid=MG0"), 20001, 33100, "MessagingServiceSid"),
        (format!("{body}&SendAt=2026-11-28T12%3A00%3A00Z"), 20001, 33100, "ScheduleType"),
        (format!("{body}&SendAt=2000-01-01T00%3A00%3A00Z&ScheduleType=fixed"), 20001, 33100, "SendAt"),
        (format!("{body}&Body=b"), 20001, 33100, "Body"),
        (format!("{body}&MediaUrl=a&MediaUrl=b"), 20001, 33100, "MediaUrl"),
        (format!("{body}&ValidityPeriod=0"), 20001, 33100, "ValidityPeriod"),
        (format!("To=%2B{to}&From=%2B{from}&Body=%ff"), 20001, 33100, "Body"),
        (format!("To=%2B{to}&From=%2B{from}&Body={}", "a".repeat(641)), 21617, 33107, ""),
        (format!("To=%2B{to}&From=%2B{from}&Body=a%07"), 33016, 33016, "Body"),
        (format!("{body}&StatusCallback=https%3A%2F%2Fa.example%2F"), 21609, 33100, "StatusCallback"),
    ] {
        let message = refused(&client.post("/Messages.json", &form).await, 400, code, ours);
        assert!(message.contains(named), "{form}: {message}");
    }
    let opt_out = tenant.sign(Ask::new("PUT", &format!("/api/v1/messaging/optout/{RECIPIENT}"))).json(&json!({}));
    stage.ask(&opt_out).await.expect(200);
    refused(&client.message("").await, 400, 21610, 33010);
    assert_eq!(stage.count(&tenant).await, 0, "nothing is left of what was refused");
}

#[tokio::test]
async fn what_is_no_form_or_too_large_and_a_wrong_method_are_refused_likewise() {
    let stage = stage().await;
    let tenant = stage.tenant().await;
    let client = Client::of(&stage, &tenant).await;
    let json = client.ask("POST", "/Messages.json").json(&json!({ "To": RECIPIENT }));
    refused(&client.sign(json).await, 415, 33103, 33103);
    let huge = format!("Body={}", "a".repeat(stage.config.api.body_bytes_max));
    refused(&client.post("/Messages.json", &huge).await, 413, 33104, 33104);
    let many = "a=1&".repeat(stage.config.api.body_bytes_max / 4);
    refused(&client.post("/Messages.json", &many).await, 400, 20001, 33100);
    let sid = client.message("").await.expect(201)["sid"].as_str().unwrap().to_owned();
    for (method, path) in [("DELETE", format!("/Messages/{sid}.json")), ("PUT", "/Messages.json".to_owned())] {
        let reply = client.sign(client.ask(method, &path)).await;
        refused(&reply, 405, 20004, 33102);
        assert_eq!(reply.header("allow"), Some("GET, HEAD, POST"));
    }
    let redaction = client.post(&format!("/Messages/{sid}.json"), "Body=").await;
    refused(&redaction, 400, 20001, 33100);
}

#[tokio::test]
async fn both_interfaces_share_limits_and_idempotency_keys() {
    let stage = stage().await;
    let tenant = stage.tenant_with(json!({ "messagePerMinute": 3 })).await;
    let client = Client::of(&stage, &tenant).await;
    let form = format!("To=%2B{}&From=%2B{}&Body=once", &RECIPIENT[1..], &tenant.number[1..]);
    let ask = |form: &str| {
        client
            .ask("POST", "/Messages.json")
            .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
            .header("idempotency-key", "order-7")
            .octets(form)
    };
    let first = client.sign(ask(&form)).await;
    let again = client.sign(ask(&form)).await;
    assert_eq!(
        (first.expect(201)["sid"].clone(), again.header("idempotent-replayed")),
        (again.json()["sid"].clone(), Some("true"))
    );
    refused(&client.sign(ask(&format!("{form}+more"))).await, 409, 33013, 33013);
    let limited = client.message("").await;
    refused(&limited, 429, 20429, 33002);
    assert!(limited.number("retry-after") >= 1);
    stage.ask(&tenant.post(&tenant.message(RECIPIENT, "a"))).await.refused(33002, Value::Null);
    assert_eq!(stage.count(&tenant).await, 1);
}

#[tokio::test]
async fn a_message_that_waits_is_canceled() {
    let stage = stage().await;
    stage.operate("POST", "/carriers/main/stop", Value::Null).await.expect(204);
    let tenant = stage.tenant().await;
    let client = Client::of(&stage, &tenant).await;
    let sid = client.message("").await.expect(201)["sid"].as_str().unwrap().to_owned();
    let path = format!("/Messages/{sid}.json");
    let canceled = client.post(&path, "Status=canceled").await.expect(200);
    assert_eq!((&canceled["sid"], &canceled["status"]), (&json!(sid), &json!("canceled")));
    assert_eq!(client.get(&path).await.expect(200), canceled);
    stage.operate("POST", "/carriers/main/start", Value::Null).await.expect(204);
    let sid = client.message("").await.expect(201)["sid"].as_str().unwrap().to_owned();
    let path = format!("/Messages/{sid}.json");
    eventually("it is delivered", async || {
        (client.get(&path).await.expect(200)["status"] == "delivered").then_some(())
    })
    .await;
    refused(&client.post(&path, "Status=canceled").await, 409, 30409, 33109);
}

#[tokio::test]
async fn a_message_is_scheduled_and_canceled() {
    let stage = Stage::at("2026-03-15T14:30:00.000Z", |config, _| config.api.twilio = true).await;
    let tenant = stage.tenant().await;
    let client = Client::of(&stage, &tenant).await;
    let sent = client.message("&SendAt=2026-03-16T14%3A30%3A00Z&ScheduleType=fixed").await.expect(201);
    assert_eq!((&sent["status"], &sent["date_sent"]), (&json!("scheduled"), &Value::Null));
    let page = stage.ask(&tenant.get("/message?status=scheduled")).await.expect(200);
    assert_eq!(page["data"][0]["sendAt"], "2026-03-16T14:30:00.000Z");
    let path = format!("/Messages/{}.json", sent["sid"].as_str().unwrap());
    assert_eq!(client.post(&path, "Status=canceled").await.expect(200)["status"], "canceled");
}

#[tokio::test]
async fn pages_lead_to_each_other_and_have_messages_of_both_directions() {
    let stage = stage().await;
    let tenant = stage.tenant().await;
    let client = Client::of(&stage, &tenant).await;
    let mut sids = Vec::new();
    for number in 0..5 {
        sids.push(client.message(&format!("&ValidityPeriod={}", 100 + number)).await.expect(201)["sid"].clone());
    }
    let received = stage.receive(&tenant, "+12025550199", "hello back").await;
    let mut page = client.get("/Messages.json?PageSize=4").await.expect(200);
    assert_eq!(
        (&page["page"], &page["page_size"], &page["start"], &page["end"]),
        (&json!(0), &json!(4), &json!(0), &json!(3))
    );
    assert_eq!(
        (&page["previous_page_uri"], page["messages"][0]["direction"].as_str()),
        (&Value::Null, Some("inbound"))
    );
    assert_eq!(
        (&page["messages"][0]["body"], &page["messages"][0]["status"]),
        (&json!("hello back"), &json!("received"))
    );
    let mut seen = Vec::new();
    loop {
        seen.extend(page["messages"].as_array().unwrap().iter().map(|message| message["sid"].clone()));
        let Some(next) = page["next_page_uri"].as_str() else { break };
        let ask = Ask::new("GET", next);
        page = client.sign(ask).await.expect(200);
    }
    assert_eq!((&page["page"], &page["start"]), (&json!(1), &json!(4)));
    assert_eq!(seen.split_off(1), sids.into_iter().rev().collect::<Vec<_>>());
    let path = format!("/Messages/{}.json", seen[0].as_str().unwrap());
    assert_eq!(client.get(&path).await.expect(200)["from"], received.from.to_string());
    let of_handset = client.get("/Messages.json?From=%2B12025550199&DateSent%3E=2020-01-01").await.expect(200);
    assert_eq!(of_handset["messages"].as_array().unwrap().len(), 1);
    refused(&client.get("/Messages.json?Status=sent").await, 400, 20001, 33100);
}

/// An endpoint of the tenant that takes forms, and its secret.
async fn endpoint(stage: &Stage, tenant: &Tenant, url: &str, events: Value) -> String {
    let body = json!({ "url": url, "events": events, "format": "twilio" });
    let create = tenant.sign(Ask::new("POST", "/api/v1/messaging/webhook")).json(&body);
    let made = stage.ask(&create).await.expect(201);
    assert_eq!(made["format"], "twilio");
    made["secret"].as_str().unwrap().to_owned()
}

/// What a client computes of a request, written down here a second time.
fn signature(secret: &str, url: &str, received: &Received) -> String {
    let parameters: String = received.form().iter().map(|(name, value)| format!("{name}{value}")).collect();
    let signed = format!("{url}{parameters}");
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes());
    STANDARD.encode(hmac::sign(&key, signed.as_bytes()))
}

#[tokio::test]
async fn a_status_callback_comes_to_the_url_of_its_message_signed_and_again_after_a_failure() {
    let (stage, receiver) = (stage().await, Receiver::start().await);
    let tenant = stage.tenant().await;
    let client = Client::of(&stage, &tenant).await;
    let own = format!("http://{}/status", receiver.address);
    let secret = endpoint(&stage, &tenant, &own, json!(["messaging.outgoing.message.*"])).await;
    receiver.script([Answer::status("500 Internal Server Error", "")]);
    let callback = format!("&StatusCallback=http%3A%2F%2F{}%2Fstatus%3Forder%3D7%26b%3Da%2520b", receiver.address);
    let sid = client.message(&callback).await.expect(201)["sid"].as_str().unwrap().to_owned();
    let received = receiver.count(3).await;
    for (request, status) in received.iter().zip(["sent", "sent", "delivered"]) {
        assert_eq!(request.target, "/status?order=7&b=a%20b");
        assert_eq!(request.header("content-type"), Some("application/x-www-form-urlencoded; charset=utf-8"));
        let form = request.form();
        let expected = [
            ("AccountSid", &*client.account),
            ("ApiVersion", "2010-04-01"),
            ("From", &tenant.number),
            ("MessageSid", &sid),
            ("MessageStatus", status),
            ("SmsSid", &sid),
            ("SmsStatus", status),
            ("To", RECIPIENT),
        ];
        assert!(form.iter().map(|(name, value)| (&**name, &**value)).eq(expected), "{form:?}");
        let url = format!("http://{}{}", receiver.address, request.target);
        assert_eq!(request.header("x-twilio-signature"), Some(&*signature(&secret, &url, request)));
        assert_eq!(request.header("i-twilio-idempotency-token"), request.header("webhook-id"));
    }
    assert_eq!(
        (&received[0].body, received[0].header("webhook-id")),
        (&received[1].body, received[1].header("webhook-id"))
    );
    stage.send(&tenant, RECIPIENT, "without a callback").await;
    assert_eq!(receiver.count(5).await[4].target, "/status", "the endpoint's own URL");
}

#[tokio::test]
async fn a_callback_goes_to_endpoints_of_the_account_alone() {
    let (stage, receiver) = (stage().await, Receiver::start().await);
    let (tenant, other) = (stage.tenant().await, stage.tenant().await);
    let client = Client::of(&stage, &tenant).await;
    let own = |path: &str| format!("http://{}{path}", receiver.address);
    endpoint(&stage, &other, &own("/theirs"), json!(["*"])).await;
    endpoint(&stage, &tenant, &own("/inbound"), json!(["messaging.incoming.message.received"])).await;
    let create = tenant.sign(Ask::new("POST", "/api/v1/messaging/webhook")).json(&json!({ "url": own("/json") }));
    stage.ask(&create).await.expect(201);
    for path in ["theirs", "inbound", "json", "nothing"] {
        let callback = format!("&StatusCallback=http%3A%2F%2F{}%2F{path}", receiver.address);
        refused(&client.message(&callback).await, 400, 21609, 33100);
    }
    assert_eq!(stage.count(&tenant).await, 0);
}

#[tokio::test]
async fn a_message_of_a_handset_comes_as_a_form_and_other_events_have_none() {
    let (stage, receiver) = (stage().await, Receiver::start().await);
    let tenant = stage.tenant().await;
    let client = Client::of(&stage, &tenant).await;
    let secret = endpoint(&stage, &tenant, &receiver.url(), json!(["*"])).await;
    let opt_out = tenant.sign(Ask::new("PUT", &format!("/api/v1/messaging/optout/{RECIPIENT}"))).json(&json!({}));
    stage.ask(&opt_out).await.expect(200);
    stage.receive(&tenant, "+12025550199", "Grüße & more").await;
    let received = receiver.count(1).await;
    let form = received[0].form();
    for (name, value) in [
        ("From", "+12025550199"),
        ("To", &*tenant.number),
        ("Body", "Grüße & more"),
        ("NumMedia", "0"),
        ("NumSegments", "1"),
        ("SmsStatus", "received"),
        ("AccountSid", &*client.account),
    ] {
        assert_eq!(form.get(name).map(String::as_str), Some(value), "{name}");
    }
    let shown = client.get(&format!("/Messages/{}.json", form["MessageSid"])).await.expect(200);
    assert_eq!((&shown["body"], &shown["direction"]), (&json!("Grüße & more"), &json!("inbound")));
    assert_eq!(received[0].header("x-twilio-signature"), Some(&*signature(&secret, &receiver.url(), &received[0])));
}

#[tokio::test]
async fn the_format_of_an_endpoint_does_not_change_and_its_test_is_a_form() {
    let (stage, receiver) = (stage().await, Receiver::start().await);
    let tenant = stage.tenant().await;
    endpoint(&stage, &tenant, &receiver.url(), json!(["*"])).await;
    let list = stage.ask(&tenant.get("/webhook")).await.expect(200);
    let path = format!("/api/v1/messaging/webhook/{}", list["data"][0]["id"].as_str().unwrap());
    let change = |format: &str| tenant.sign(Ask::new("PATCH", &path)).json(&json!({ "format": format }));
    let expected = "the format with which the endpoint was made: it does not change";
    stage.ask(&change("json")).await.refused(33100, json!({ "field": "format", "expected": expected }));
    assert_eq!(stage.ask(&change("twilio")).await.expect(200)["format"], "twilio");
    let tested = stage.ask(&tenant.sign(Ask::new("POST", &format!("{path}/test"))).json(&json!({}))).await.expect(200);
    assert_eq!(tested["httpStatus"], 200);
    assert_eq!(receiver.count(1).await[0].form()["EventType"], "webhook.test");
}
