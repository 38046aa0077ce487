//! Another configuration for a running platform: what is taken over at once, what needs a restart, and that a mistake
//! changes nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use carrier::CarrierConfig;
use carrier::mm4::config::Mm4Config;
use carrier::smpp::config::SmppConfig;
use config::{Config, RouteConfig};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};
use server::reload::{Entry, Outcome, Report, Source};
use simulator::smsc::{Options, Smsc};
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::support::http::{Ask, Connection};
use crate::support::{ANY_PORT, RECIPIENT, Stage, TOKEN, carrier, dead_port, eventually, smpp};

/// Takes over the configuration of the stage with this change, which later reloads keep.
async fn reload(stage: &mut Stage, change: impl FnOnce(&mut Config)) -> Report {
    change(&mut stage.config);
    stage.app().reloader().take_over(stage.config.clone()).await
}

/// The keys of these entries.
fn keys(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|entry| &*entry.key).collect()
}

async fn another_smsc() -> (Smsc, CarrierConfig) {
    let smsc = simulator::smsc::start(
        Options { listen: ANY_PORT, ..Options::default() },
        std::sync::Arc::new(runtime::Machine::new()),
    )
    .await
    .unwrap();
    let carrier = carrier("second", smsc.address().port());
    (smsc, carrier)
}

fn route(prefix: &str, carrier: &str) -> RouteConfig {
    RouteConfig {
        prefix: prefix.to_owned(),
        kind: None,
        carriers: vec![carrier.to_owned()],
        on_unknown: Default::default(),
    }
}

/// The SMSC of this name.
fn smpp_of<'a>(config: &'a mut Config, name: &str) -> &'a mut SmppConfig {
    match config.carrier.iter_mut().find(|carrier| carrier.name() == name) {
        Some(CarrierConfig::Smpp(carrier)) => carrier,
        other => panic!("{name} is no SMSC: {other:?}"),
    }
}

const ABROAD: &str = "+442071838750";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_runs_already_is_unchanged_however_often_it_is_reloaded() {
    let mut stage = Stage::start().await;
    for _ in 0..2 {
        let report = reload(&mut stage, |_| {}).await;
        assert_eq!((report.outcome, report.applied, report.needs_restart), (Outcome::Unchanged, vec![], vec![]));
    }
    assert_eq!(stage.smsc.summary().binds, 1, "no session was touched");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_hold_from_the_next_request_on() {
    let mut stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let text = tenant.message(RECIPIENT, "twelve chars");
    stage.ask(&tenant.post(&text)).await.expect(201);
    let report = reload(&mut stage, |config| {
        (config.limits.sms_characters_max, config.limits.failed_auth_per_minute, config.limits.message_per_minute) =
            (10, 3, 7);
        (config.limits.max_recipients, config.dispatch.validity_secs, config.dispatch.drain_secs) = (1, 60, 1);
    })
    .await;
    let changed = [
        "limits.message_per_minute",
        "limits.failed_auth_per_minute",
        "limits.max_recipients",
        "limits.sms_characters_max",
        "dispatch.validity_secs",
        "dispatch.drain_secs",
    ];
    assert_eq!(
        (report.outcome, keys(&report.applied), report.needs_restart),
        (Outcome::Reloaded, changed.to_vec(), vec![])
    );
    stage.ask(&tenant.post(&text)).await.expect(400);
    stage
        .ask(&tenant.broadcast(&json!({ "recipients": [RECIPIENT, ABROAD], "from": tenant.number, "body": "hello" })))
        .await
        .expect(400);
    assert_eq!(stage.ask(&Ask::new("GET", "/api/v1/messaging/message")).await.has_rate_limit().0, 3);
    let account = stage.operate("POST", "/accounts", json!({ "name": "a later one" })).await.expect(201);
    assert_eq!(account["messagePerMinute"], 7);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_are_bound_anew() {
    let mut stage = Stage::with(|config, _| config.api.connections_max = 8).await;
    let mut held = Vec::new();
    for _ in 0..6 {
        held.push(TcpStream::connect(stage.api).await.unwrap());
    }
    Connection::open(stage.api).await.reply().await.refused(33105, Value::Null);
    let report = reload(&mut stage, |config| config.api.connections_max = 40).await;
    assert_eq!(keys(&report.applied), ["api.connections_max"]);
    for _ in 0..20 {
        stage.ask(&Ask::new("GET", "/page/errors")).await.expect_text(200);
    }
    reload(&mut stage, |config| config.api.connections_per_address = 6).await;
    Connection::open(stage.api).await.reply().await.refused(33105, Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_token_opens_the_operators_door_and_the_old_one_does_not() {
    let mut stage = Stage::start().await;
    let list = |token: &str| Ask::new("GET", "/admin/v1/accounts").header("authorization", &format!("Bearer {token}"));
    let another = "another-token-of-the-tests";
    let report =
        reload(&mut stage, |config| config.admin.token = Some(carrier::keys::Secret(another.to_owned()))).await;
    assert_eq!(keys(&report.applied), ["admin.token"]);
    assert_eq!((list(TOKEN).send(stage.admin).await.status, list(another).send(stage.admin).await.status), (401, 200));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_needs_a_restart_is_reported_until_there_was_one() {
    let mut stage = Stage::start().await;
    for _ in 0..2 {
        let report = reload(&mut stage, |config| {
            config.api.listen = "127.0.0.1:1".parse().unwrap();
            config.dispatch.poll_ms = 33;
            smpp(config).sender_rate = 5;
        })
        .await;
        assert_eq!(report.outcome, Outcome::Reloaded);
        assert_eq!(keys(&report.needs_restart), ["carrier[main].sender_rate", "api.listen", "dispatch.poll_ms"]);
    }
    stage.ask(&Ask::new("GET", "/page/errors")).await.expect_text(200);
}

/// A self-signed certificate for localhost in these files.
fn certify(certificate: &Path, key: &Path) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    fs::write(certificate, made.cert.pem()).unwrap();
    fs::write(key, made.signing_key.serialize_pem()).unwrap();
    CertificateDer::from_pem_file(certificate).unwrap()
}

/// A handshake that trusts this certificate alone; whether it succeeds.
async fn shakes_hands(stage: &Stage, trusted: &CertificateDer<'static>) -> bool {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let connector = TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth()));
    let stream = TcpStream::connect(stage.api).await.unwrap();
    connector.connect(ServerName::try_from("localhost").unwrap(), stream).await.is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_was_renewed_serves_the_next_handshake() {
    let directory = TempDir::new().unwrap();
    let [certificate, key]: [PathBuf; 2] = ["api.pem", "api.key"].map(|name| directory.path().join(name));
    let first = certify(&certificate, &key);
    let mut stage = Stage::with(|config, _| {
        (config.api.tls_cert, config.api.tls_key) = (Some(certificate.clone()), Some(key.clone()));
    })
    .await;
    assert!(shakes_hands(&stage, &first).await);
    let second = certify(&certificate, &key);
    assert!(!shakes_hands(&stage, &second).await, "not before the reload");
    let report = reload(&mut stage, |_| {}).await;
    assert_eq!((report.outcome, keys(&report.applied)), (Outcome::Reloaded, vec!["api.tls_cert"]));
    assert!(shakes_hands(&stage, &second).await && !shakes_hands(&stage, &first).await);
    fs::write(&key, "no key").unwrap();
    let report = reload(&mut stage, |config| config.limits.max_recipients = 1).await;
    assert_eq!(
        (report.outcome, keys(&report.mistakes), report.applied),
        (Outcome::Refused, vec!["api.tls_cert"], vec![])
    );
    assert!(shakes_hands(&stage, &second).await, "what is broken changes nothing");
    // Whether there is TLS at all is decided at the start.
    let report = reload(&mut stage, |config| (config.api.tls_cert, config.api.tls_key) = (None, None)).await;
    assert_eq!(
        (keys(&report.applied), keys(&report.needs_restart)),
        (vec!["limits.max_recipients"], vec!["api.tls_cert", "api.tls_key"])
    );
    assert!(shakes_hands(&stage, &second).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_screen_reads_its_data_again() {
    let directory = TempDir::new().unwrap();
    let own = directory.path().to_owned();
    let mut stage = Stage::with(|config, _| config.screening.directory = Some(own)).await;
    let tenant = stage.tenant().await;
    // The network does not know the word, so that the screen becomes unsure of it.
    let policy = format!("/accounts/{}/screening", tenant.account);
    stage.operate("PUT", &policy, json!({ "unsure": "block" })).await.expect(200);
    let offer = tenant.message(RECIPIENT, "Fresh zorbex is in, 20% off until Sunday. Order at the counter");
    stage.ask(&tenant.post(&offer)).await.expect(201);
    let lexicon = directory.path().join("lexicon");
    fs::create_dir(&lexicon).unwrap();
    for file in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../screening/data/lexicon")).unwrap() {
        let file = file.unwrap();
        fs::write(lexicon.join(file.file_name()), fs::read_to_string(file.path()).unwrap().replace("vodka", "zorbex"))
            .unwrap();
    }
    let report = reload(&mut stage, |_| {}).await;
    assert_eq!((report.outcome, keys(&report.applied)), (Outcome::Reloaded, vec!["screening.directory"]));
    stage.ask(&tenant.post(&offer)).await.expect(400);
    fs::write(directory.path().join("rules.txt"), "nonsense that is no rule\n").unwrap();
    let report = reload(&mut stage, |_| {}).await;
    assert_eq!((report.outcome, keys(&report.mistakes)), (Outcome::Refused, vec!["screening.directory"]));
    stage.ask(&tenant.post(&offer)).await.expect(400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_carrier_is_added_with_its_route_and_removed_again() {
    let mut stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let (second, config) = another_smsc().await;
    let report = reload(&mut stage, |running| {
        running.carrier.push(config);
        running.route = vec![route("+44", "second"), route("", "main")];
    })
    .await;
    assert_eq!(
        (report.outcome, keys(&report.applied), report.needs_restart),
        (Outcome::Reloaded, vec!["carrier[second]", "route"], vec![])
    );
    let sent = stage.send(&tenant, ABROAD, "hello").await;
    stage.reaches(&tenant, &sent["id"], "delivered").await;
    assert_eq!((&stage.life(&sent["id"]).await["carrier"], second.summary().binds), (&json!("second"), 1));
    assert_eq!(stage.carrier("second").await["delivered"], 1);
    let report = reload(&mut stage, |running| {
        running.carrier.pop();
        running.route.remove(0);
    })
    .await;
    assert_eq!(keys(&report.applied), ["route", "carrier[second]"]);
    second.wait_for(|seen| seen.ended == 1).await;
    let sent = stage.send(&tenant, ABROAD, "hello").await;
    stage.reaches(&tenant, &sent["id"], "delivered").await;
    assert_eq!(stage.life(&sent["id"]).await["carrier"], "main");
    let metrics = Ask::new("GET", "/metrics").send(stage.admin).await.text();
    assert!(
        !metrics.contains("smsfactory_carrier_up{carrier=\"second\"}"),
        "nobody is paged for a carrier that was removed"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_stay_with_a_carrier_that_was_removed_until_it_is_back() {
    let mut stage = Stage::with(|config, _| {
        config.carrier.push(carrier("dead", dead_port()));
        config.route = vec![route("+44", "dead"), route("", "main")];
    })
    .await;
    let tenant = stage.tenant().await;
    let waits = stage.send(&tenant, ABROAD, "hello").await;
    let removed = stage.config.carrier.pop().unwrap();
    let report = reload(&mut stage, |running| drop(running.route.remove(0))).await;
    assert_eq!(keys(&report.applied), ["route", "carrier[dead]"]);
    eventually("the carrier is gone", async || (stage.carrier("dead").await["state"] == "unknown").then_some(())).await;
    let other = stage.send(&tenant, ABROAD, "hello").await;
    stage.reaches(&tenant, &other["id"], "delivered").await;
    assert_eq!(
        (&stage.life(&waits["id"]).await["carrier"], stage.carrier("dead").await["queued"].clone()),
        (&json!("dead"), json!(1))
    );
    let CarrierConfig::Smpp(removed) = removed else { panic!("an SMSC was removed") };
    let port = stage.smsc.address().port();
    let report = reload(&mut stage, |running| running.carrier.push(SmppConfig { port, ..*removed }.into())).await;
    assert_eq!(keys(&report.applied), ["carrier[dead]"]);
    stage.reaches(&tenant, &waits["id"], "delivered").await;
    assert_eq!(stage.life(&waits["id"]).await["carrier"], "dead");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_carrier_that_was_removed_finishes_what_is_under_way_and_its_other_messages_can_be_abandoned() {
    let mut stage = Stage::start().await;
    let options = Options { listen: ANY_PORT, response_delay_ms: "300".parse().unwrap(), ..Options::default() };
    let slow = simulator::smsc::start(options, Arc::new(runtime::Machine::new())).await.unwrap();
    let port = slow.address().port();
    reload(&mut stage, |running| {
        running.carrier.push(carrier("slow", port));
        smpp_of(running, "slow").window = 1;
        running.route = vec![route("+44", "slow"), route("", "main")];
    })
    .await;
    let tenant = stage.tenant().await;
    let mut sent = Vec::new();
    for text in ["one", "two", "three"] {
        sent.push(stage.send(&tenant, ABROAD, text).await["id"].clone());
    }
    eventually("the first has left", async || (stage.carrier("slow").await["window"]["used"] == 1).then_some(())).await;
    let report = reload(&mut stage, |running| {
        running.carrier.pop();
        running.route.remove(0);
    })
    .await;
    assert_eq!(keys(&report.applied), ["route", "carrier[slow]"]);
    // Its receipt may come after the session has ended.
    eventually("the first is answered", async || (stage.life(&sent[0]).await["status"] != "queued").then_some(()))
        .await;
    let unknown = eventually("it is unknown", async || {
        Some(stage.carrier("slow").await).filter(|slow| slow["state"] == "unknown")
    })
    .await;
    assert_eq!(unknown["queued"], 2);
    let metrics = Ask::new("GET", "/metrics").send(stage.admin).await.text();
    assert!(metrics.contains("smsfactory_queue_messages_unknown_carrier{carrier=\"slow\"} 2\n"), "{metrics}");
    let abandoned = stage.operate("POST", "/carriers/slow/abandon", Value::Null).await.expect(200);
    assert_eq!(abandoned, json!({ "name": "slow", "rerouted": 2, "failed": 0, "held": 0 }));
    for id in &sent[1..] {
        stage.reaches(&tenant, id, "delivered").await;
        let life = stage.life(id).await;
        let attempts = life["events"].as_array().unwrap().iter().filter(|event| event["event"] == "attempt").count();
        assert_eq!((&life["carrier"], &life["unknownOutcomes"], attempts), (&json!("main"), &json!(0), 1));
    }
    let texts: Vec<Value> = stage.submissions().iter().map(|submission| submission["text"].clone()).collect();
    assert_eq!(
        (texts, slow.summary().submitted),
        (vec![json!("two"), json!("three")], 1),
        "nothing left twice, and in order"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_carrier_that_changed_finishes_what_is_under_way_and_begins_anew() {
    let mut stage = Stage::with(|_, options| options.response_delay_ms = "200".parse().unwrap()).await;
    let tenant = stage.tenant().await;
    let sent = stage.send(&tenant, RECIPIENT, "hello").await;
    eventually("the message has left", async || (stage.carrier("main").await["window"]["used"] == 1).then_some(()))
        .await;
    let report = reload(&mut stage, |running| smpp(running).window = 7).await;
    assert_eq!(keys(&report.applied), ["carrier[main]"]);
    let next = stage.send(&tenant, RECIPIENT, "hello again").await;
    for id in [&sent["id"], &next["id"]] {
        stage.reaches(&tenant, id, "delivered").await;
        assert_eq!(stage.life(id).await["unknownOutcomes"], 0);
    }
    assert_eq!((stage.carrier("main").await["window"]["of"].clone(), stage.smsc.summary().binds), (json!(7), 2));
    assert_eq!(stage.submissions().len(), 2, "nothing left twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_carrier_that_leases_do_not_allow_for_needs_a_restart_and_so_do_routes_that_name_it() {
    let mut stage = Stage::with(|config, _| config.carrier.push(carrier("old", dead_port()))).await;
    let slow = SmppConfig {
        name: "slow".to_owned(),
        host: "127.0.0.1".to_owned(),
        port: dead_port(),
        response_timeout_secs: 300,
        ..SmppConfig::default()
    };
    for _ in 0..2 {
        let report = reload(&mut stage, |running| {
            running.carrier.truncate(1);
            running.carrier.push(slow.clone().into());
            (running.dispatch.lease_secs, running.route) = (700, vec![route("+44", "slow"), route("", "main")]);
        })
        .await;
        let waiting = ["carrier[slow]", "route", "carrier[old]", "dispatch.lease_secs"];
        assert_eq!((keys(&report.needs_restart), report.applied), (waiting.to_vec(), vec![]));
    }
    let tenant = stage.tenant().await;
    let sent = stage.send(&tenant, ABROAD, "hello").await;
    stage.reaches(&tenant, &sent["id"], "delivered").await;
}

/// Whether an MMSC that connects here is greeted.
async fn is_greeted(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)).await else { return false };
    let mut greeting = [0; 4];
    stream.read_exact(&mut greeting).await.is_ok() && greeting == *b"220 "
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_carrier_that_listens_keeps_its_port_when_it_changes_and_its_settings_when_the_new_port_is_taken() {
    let port = dead_port();
    let mmsc = |port: u16, window: usize| Mm4Config {
        name: "mms".to_owned(),
        host: "127.0.0.1".to_owned(),
        port: dead_port(),
        domain: "mms.smsfactory.example".to_owned(),
        peer_domain: "mms.example.net".to_owned(),
        listen: Some(([127, 0, 0, 1], port).into()),
        window,
        ..Mm4Config::default()
    };
    let mut stage = Stage::with(|config, _| config.carrier.push(mmsc(port, 5).into())).await;
    assert!(is_greeted(port).await);
    let window = async |stage: &Stage, window: u64| {
        eventually("the window is this", async || (stage.carrier("mms").await["window"]["of"] == window).then_some(()))
            .await;
    };
    window(&stage, 5).await;
    let report = reload(&mut stage, |config| config.carrier[1] = mmsc(port, 6).into()).await;
    assert_eq!(keys(&report.applied), ["carrier[mms]"]);
    window(&stage, 6).await;
    assert!(is_greeted(port).await);
    let taken = std::net::TcpListener::bind(ANY_PORT).unwrap();
    let other = taken.local_addr().unwrap().port();
    reload(&mut stage, |config| config.carrier[1] = mmsc(other, 7).into()).await;
    eventually("the old port is open again", async || {
        (stage.carrier("mms").await["window"]["of"] == 6 && is_greeted(port).await).then_some(())
    })
    .await;
    drop(taken);
    let report = reload(&mut stage, |_| {}).await;
    assert_eq!(keys(&report.applied), ["carrier[mms]"], "what failed is tried again");
    window(&stage, 7).await;
    assert!(is_greeted(other).await && !is_greeted(port).await);
    assert_eq!(reload(&mut stage, |_| {}).await.outcome, Outcome::Unchanged);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_admin_api_reloads_and_reports_and_refuses_with_the_reason() {
    let stage = Stage::start().await;
    let report = stage.operate("POST", "/reload", Value::Null).await.expect(200);
    assert_eq!(
        (&report["outcome"], &report["mistakes"][0]["detail"]),
        (&json!("refused"), &json!("this server was not started from a configuration file"))
    );
    let changed =
        Config { limits: config::Limits { max_recipients: 9, ..stage.config.limits }, ..stage.config.clone() };
    stage
        .app()
        .reloader()
        .set_source(Source { read: Box::new(move || Ok(changed.clone())), set_log_level: Box::new(|_| Ok(())) });
    let report = stage.operate("POST", "/reload", Value::Null).await.expect(200);
    assert_eq!(
        report,
        json!({
            "outcome": "reloaded", "summary": "The configuration was reloaded: 1 change applied, 0 need a restart",
            "applied": [{ "key": "limits.max_recipients", "detail": "applied" }], "needsRestart": [], "mistakes": [],
        })
    );
    assert_eq!(stage.operate("POST", "/reload", Value::Null).await.expect(200)["outcome"], "unchanged");
    stage.operate("GET", "/reload", Value::Null).await.refused_by_operator(33102, Value::Null);
}
