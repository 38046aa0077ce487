//! What the operator sees of a carrier and does to it: its trace, its sessions, its codes, stopping it and starting it.

use ::carrier::keys::Secret;
use config::{OnUnknown, RouteConfig};
use serde_json::{Value, json};
use simulator::smsc::{Rejection, RejectionTo, Status};
use store::contract::nodes::StoppedCarrier;
use wire::smpp::CommandStatus;

use crate::inbound_commands::{done, run};
use crate::support::http::Ask;
use crate::support::{RECIPIENT, Stage, Tenant, carrier, dead_port, eventually, smpp};

/// One to whom the SMSC takes nothing.
const REFUSED: &str = "+18005550999";

const TEXT: &str = "the code is 482910";

async fn trace(stage: &Stage, body: Value) -> Value {
    stage.operate("POST", "/carriers/main/trace", body).await.expect(200)
}

async fn traced(stage: &Stage, query: &str) -> Value {
    stage.operate("GET", &format!("/carriers/main/trace{query}"), Value::Null).await.expect(200)
}

async fn delivered(stage: &Stage, tenant: &Tenant) -> Value {
    let sent = stage.send(tenant, RECIPIENT, TEXT).await;
    stage.reaches(tenant, &sent["id"], "delivered").await
}

fn operations(pdus: &Value) -> Vec<&str> {
    pdus.as_array().unwrap().iter().map(|pdu| pdu["operation"].as_str().unwrap()).collect()
}

fn field<'a>(pdu: &'a Value, name: &str) -> &'a str {
    let fields = pdu["fields"].as_array().unwrap();
    fields.iter().find(|field| field["name"] == name).map_or("(none)", |field| field["value"].as_str().unwrap())
}

#[tokio::test]
async fn a_trace_shows_the_pdus_of_a_message_with_its_text_and_numbers_masked() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let begun = trace(&stage, json!({ "seconds": 60 })).await;
    assert_eq!((&begun["on"], &begun["texts"]), (&json!(true), &json!(false)), "{begun}");
    let sent = delivered(&stage, &tenant).await;
    let life = stage.life(&sent["id"]).await;
    assert_eq!(operations(&life["pdus"]), ["submit_sm", "submit_sm_resp", "deliver_sm"], "{life}");
    let [submit, answer, receipt] = [&life["pdus"][0], &life["pdus"][1], &life["pdus"][2]];
    for pdu in [submit, answer, receipt] {
        assert_eq!((&pdu["messageId"], &pdu["carrier"], &pdu["session"]), (&sent["id"], &json!("main"), &json!(1)));
    }
    assert_eq!((&submit["direction"], &answer["direction"]), (&json!("out"), &json!("in")));
    assert_eq!((&answer["status"], &answer["sequence"]), (&json!("ESME_ROK"), &submit["sequence"]));
    assert_eq!(field(submit, "short_message"), "(18 octets)");
    assert_eq!(field(submit, "destination_addr"), "120******43");
    let whole = eventually("the receipt is answered", async || {
        Some(traced(&stage, "?after=0").await).filter(|page| operations(&page["data"]).contains(&"deliver_sm_resp"))
    })
    .await;
    for secret in ["482910", &RECIPIENT[1..]] {
        assert!(!whole.to_string().contains(secret), "{secret} is in {whole}");
    }
    let of_message = traced(&stage, &format!("?message={}", sent["id"].as_str().unwrap())).await;
    assert_eq!(operations(&of_message["data"]), operations(&life["pdus"]));
}

#[tokio::test]
async fn a_trace_shows_texts_where_they_are_asked_for_and_passwords_never() {
    let stage = Stage::with(|config, _| smpp(config).password = Secret("hunter22".to_owned())).await;
    let tenant = stage.tenant().await;
    trace(&stage, json!({ "texts": true })).await;
    stage.operate("POST", "/carriers/main/stop", Value::Null).await.expect(204);
    eventually("it is stopped", async || (stage.carrier("main").await["state"] == "stopped").then_some(())).await;
    stage.operate("POST", "/carriers/main/start", Value::Null).await.expect(204);
    delivered(&stage, &tenant).await;
    let whole = traced(&stage, "?limit=2000").await;
    let operations = operations(&whole["data"]);
    for step in ["unbind", "unbind_resp", "bind_transceiver", "bind_transceiver_resp", "submit_sm"] {
        assert!(operations.contains(&step), "{step} is not among {operations:?}");
    }
    let text = whole.to_string();
    assert!(text.contains(TEXT) && text.contains(&RECIPIENT[1..]), "{text}");
    assert!(!text.contains("hunter22"), "{text}");
}

#[tokio::test]
async fn nothing_is_traced_unless_it_is_asked_for_and_a_trace_ends() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let sent = delivered(&stage, &tenant).await;
    assert_eq!(stage.life(&sent["id"]).await["pdus"], json!([]));
    trace(&stage, json!({ "seconds": 1 })).await;
    eventually("the trace ends", async || (traced(&stage, "?wait=1").await["on"] == false).then_some(())).await;
    let last = traced(&stage, "").await["next"].clone();
    delivered(&stage, &tenant).await;
    assert_eq!(traced(&stage, "").await["next"], last);
    for body in [json!({ "seconds": 0 }), json!({ "seconds": 3601 }), json!({ "second": 1 })] {
        stage.operate("POST", "/carriers/main/trace", body).await.expect(400);
    }
    stage.operate("POST", "/carriers/nowhere/trace", json!({})).await.expect(404);
}

#[tokio::test]
async fn the_command_prints_pdus_as_they_come() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let tracing = run(&stage, &["carrier", "trace", "main", "--seconds", "3"], "");
    let sending = async {
        eventually("the trace is on", async || (traced(&stage, "").await["on"] == true).then_some(())).await;
        delivered(&stage, &tenant).await
    };
    let ((code, out, err), sent) = tokio::join!(tracing, sending);
    assert_eq!(code, Some(0), "{err}");
    assert!(err.contains("texts and numbers are masked"), "{err}");
    for part in ["-> submit_sm", "<- submit_sm_resp", "ESME_ROK", sent["id"].as_str().unwrap(), "short_message=(18"] {
        assert!(out.contains(part), "{part} is missing from {out}");
    }
}

#[tokio::test]
async fn the_codes_of_a_carrier_are_counted_with_their_meanings_and_consequences() {
    let stage = Stage::with(|_, options| {
        options.reject_to = vec![RejectionTo { digits: "0999".to_owned(), status: CommandStatus::RINVDSTADR }];
    })
    .await;
    let tenant = stage.tenant().await;
    delivered(&stage, &tenant).await;
    for _ in 0..2 {
        let refused = stage.send(&tenant, REFUSED, TEXT).await;
        stage.reaches(&tenant, &refused["id"], "failed").await;
    }
    let codes = stage.operate("GET", "/carriers/main/codes", Value::Null).await.expect(200);
    let line = |answers: &str, name: &str| {
        let codes = codes["data"].as_array().unwrap();
        codes.iter().find(|code| code["answers"] == answers && code["name"] == name).cloned().unwrap_or_default()
    };
    let expected = json!({
        "answers": "message", "code": "0x0000000b", "name": "ESME_RINVDSTADR", "meaning": "the recipient is invalid",
        "consequence": "failed", "count": 2,
    });
    assert_eq!(line("message", "ESME_RINVDSTADR"), expected, "{codes}");
    assert_eq!((&line("message", "ESME_ROK")["count"], &line("bind", "ESME_ROK")["count"]), (&json!(1), &json!(1)));
    assert_eq!(line("receipt", "DELIVRD")["consequence"], "delivered", "{codes}");
    let table = done(&stage, &["carrier", "codes", "main"]).await;
    assert!(table.contains("ESME_RINVDSTADR") && table.contains("the recipient is invalid"), "{table}");
}

#[tokio::test]
async fn a_stopped_carrier_unbinds_its_messages_wait_and_it_is_stopped_after_a_restart() {
    let mut stage = Stage::start().await;
    let tenant = stage.tenant().await;
    delivered(&stage, &tenant).await;
    let (code, _, err) = run(&stage, &["carrier", "stop", "main"], "").await;
    assert!(code == Some(1) && err.contains("--yes"), "{err}");
    done(&stage, &["carrier", "stop", "main", "--yes"]).await;
    let stopped = eventually("it is stopped", async || {
        Some(stage.carrier("main").await).filter(|main| main["state"] == "stopped")
    })
    .await;
    assert_eq!((&stopped["sessions"]["used"], stopped["stoppedAt"].is_string()), (&json!(0), true), "{stopped}");
    let waiting = stage.send(&tenant, RECIPIENT, TEXT).await;
    stage.restart(|_| {}).await;
    let restarted = stage.carrier("main").await;
    assert_eq!((&restarted["state"], &restarted["queued"]), (&json!("stopped"), &json!(1)), "{restarted}");
    let metrics = Ask::new("GET", "/metrics").send(stage.admin).await.text();
    for line in ["smsfactory_carrier_stopped{carrier=\"main\"} 1", "smsfactory_carrier_up{carrier=\"main\"} 0"] {
        assert!(metrics.contains(line), "{line} is missing from {metrics}");
    }
    assert_eq!(stage.submissions().len(), 1, "nothing is sent to a stopped carrier");
    assert_eq!(stage.life(&waiting["id"]).await["waitsFor"]["sentence"], "main is stopped");
    let overview = stage.operate("GET", "/overview", Value::Null).await.expect(200);
    let needed = overview["attention"].as_array().unwrap().iter().find(|needed| needed["kind"] == "carrierStopped");
    assert!(needed.is_some_and(|needed| needed["since"].is_null()), "{overview}");
    done(&stage, &["carrier", "start", "main"]).await;
    stage.reaches(&tenant, &waiting["id"], "delivered").await;
    assert_eq!(stage.carrier("main").await["stoppedAt"], Value::Null);
}

#[tokio::test]
async fn messages_of_a_stopped_carrier_go_to_the_next_one_of_their_route() {
    let stage = Stage::with(|config, _| {
        config.carrier.push(carrier("backup", 0));
        let carriers = vec!["main".to_owned(), "backup".to_owned()];
        let on_unknown = OnUnknown::default();
        config.route = vec![RouteConfig { prefix: String::new(), kind: None, carriers, on_unknown }];
    })
    .await;
    let tenant = stage.tenant().await;
    stage.operate("POST", "/carriers/main/stop", Value::Null).await.expect(204);
    let sent = delivered(&stage, &tenant).await;
    assert_eq!(stage.life(&sent["id"]).await["carrier"], "backup");
    for (path, status) in [("nowhere/stop", 404), ("nowhere/start", 404), ("sandbox/stop", 404), ("main/stop", 204)] {
        stage.operate("POST", &format!("/carriers/{path}"), Value::Null).await.expect(status);
    }
}

#[tokio::test]
async fn a_carrier_that_another_node_stopped_is_stopped_at_the_next_start() {
    let mut stage = Stage::start().await;
    let store = stage.app().pipeline().store();
    let at = "2026-01-02T03:04:05.000Z";
    store.stop_carrier("main".to_owned(), model::Timestamp::parse(at).unwrap()).await.unwrap();
    let stopped = store.stopped_carriers().await.unwrap();
    assert_eq!(stopped, [StoppedCarrier { carrier: "main".to_owned(), since: model::Timestamp::parse(at).unwrap() }]);
    stage.restart(|_| {}).await;
    let main = stage.carrier("main").await;
    assert_eq!((&main["state"], &main["stoppedAt"]), (&json!("stopped"), &json!(at)));
}

#[tokio::test]
async fn one_carrier_is_shown_with_its_sessions_and_its_queue() {
    let stage = Stage::with(|config, options| {
        smpp(config).sessions = 2;
        smpp(config).rate = 50;
        options.reject = vec![Rejection { probability: 1.0, status: CommandStatus::RSYSERR }];
    })
    .await;
    let tenant = stage.tenant().await;
    stage.send(&tenant, RECIPIENT, TEXT).await;
    let shown = eventually("both sessions are bound and the message waits", async || {
        let shown = stage.operate("GET", "/carriers/main", Value::Null).await.expect(200);
        (shown["sessions"]["used"] == 2 && shown["queued"] == 1 && shown["submitted"] != 0).then_some(shown)
    })
    .await;
    assert_eq!((&shown["rate"], &shown["sessions"]["of"]), (&json!(50), &json!(2)), "{shown}");
    assert!(shown["oldestQueuedAt"].is_string() && shown["node"].is_string(), "{shown}");
    let sessions = shown["sessionList"].as_array().unwrap();
    for (number, session) in (1..).zip(sessions) {
        assert_eq!(
            (&session["number"], &session["kind"], &session["state"]),
            (&json!(number), &json!("transceiver"), &json!("bound"))
        );
        assert!(session["since"].is_string() && session["window"]["of"] == json!(50), "{session}");
    }
    assert_eq!(sessions.len(), 2);
    stage.operate("GET", "/carriers/nowhere", Value::Null).await.expect(404);
    let table = done(&stage, &["carrier", "show", "main"]).await;
    assert!(table.contains("oldestQueuedAt") && table.contains("transceiver"), "{table}");
}

#[tokio::test]
async fn the_time_until_messages_are_submitted_and_delivered_is_measured_by_carrier() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    delivered(&stage, &tenant).await;
    let metrics = Ask::new("GET", "/metrics").send(stage.admin).await.text();
    for line in [
        "# TYPE smsfactory_submit_seconds histogram",
        "smsfactory_submit_seconds_bucket{le=\"+Inf\",carrier=\"main\"} 1",
        "smsfactory_submit_seconds_count{carrier=\"main\"} 1",
        "smsfactory_delivery_seconds_count{carrier=\"main\"} 1",
        "smsfactory_delivery_seconds_bucket{le=\"259200.0\",carrier=\"main\"} 1",
    ] {
        assert!(metrics.contains(line), "{line} is missing from {metrics}");
    }
}

#[tokio::test]
async fn a_test_of_a_carrier_shows_each_step_and_disturbs_no_session() {
    let stage = Stage::start().await;
    eventually("it is bound", async || (stage.carrier("main").await["state"] == "bound").then_some(())).await;
    let tested = stage.operate("POST", "/carriers/main/test", Value::Null).await.expect(200);
    let steps = tested["steps"].as_array().unwrap();
    let names: Vec<&str> = steps.iter().map(|step| step["step"].as_str().unwrap()).collect();
    assert_eq!(names, ["dns", "tcp", "bind", "enquire_link", "unbind"], "{tested}");
    assert!(tested["ok"] == true && steps.iter().all(|step| step["ok"] == true), "{tested}");
    let shown = stage.operate("GET", "/carriers/main", Value::Null).await.expect(200);
    assert_eq!((&shown["state"], &shown["binds"]), (&json!("bound"), &json!(1)), "the session stayed");
    let table = done(&stage, &["carrier", "test", "main"]).await;
    assert!(table.contains("enquire_link_resp answers ESME_ROK"), "{table}");
    stage.operate("POST", "/carriers/nowhere/test", Value::Null).await.expect(404);
}

#[tokio::test]
async fn a_test_says_why_a_carrier_cannot_be_used() {
    let stage = Stage::with(|config, options| {
        config.carrier.push(carrier("dead", dead_port()));
        options.refuse_bind = Some(Status(CommandStatus::RINVPASWD));
    })
    .await;
    for (name, step, words) in
        [("main", "bind", ["ESME_RINVPASWD", "check `password`"]), ("dead", "tcp", ["refused", "check `port`"])]
    {
        let tested = stage.operate("POST", &format!("/carriers/{name}/test"), Value::Null).await.expect(200);
        let last = tested["steps"].as_array().unwrap().last().unwrap();
        assert_eq!((&tested["ok"], &last["step"], &last["ok"]), (&json!(false), &json!(step), &json!(false)));
        let told = format!("{} {}", last["detail"], last["hint"]);
        assert!(words.iter().all(|word| told.contains(word)), "{told}");
        let (code, out, _) = run(&stage, &["carrier", "test", name], "").await;
        assert!(code == Some(1) && words.iter().all(|word| out.contains(word)), "{out}");
    }
}

#[tokio::test]
async fn a_test_says_that_live_sessions_are_all_that_the_smsc_allows() {
    let stage = Stage::with(|_, options| options.sessions_max = 1).await;
    eventually("it is bound", async || (stage.carrier("main").await["state"] == "bound").then_some(())).await;
    let tested = stage.operate("POST", "/carriers/main/test", Value::Null).await.expect(200);
    assert_eq!((&tested["ok"], &tested["sessionsBound"]), (&json!(true), &json!(1)), "{tested}");
    assert!(tested["note"].as_str().unwrap().contains("accepts no session in addition to the 1"), "{tested}");
    assert_eq!(stage.carrier("main").await["sessions"]["used"], 1);
}
