//! From acceptance to a carrier, where backlogs, ends and changes of the configuration come between.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use config::{OnUnknown, RouteConfig};
use runtime::Machine;
use serde_json::{Value, json};
use server::app::App;
use server::real::OsEntropy;
use simulator::smsc::DelayMs;
use store::objects::{Directory, Objects};

use crate::support::http::Ask;
use crate::support::{RECIPIENT, Stage, Tenant, at_once, carrier, eventually, smpp};

fn messages(tenant: &Tenant, count: usize) -> Vec<Ask> {
    (0..count).map(|number| tenant.post(&tenant.message(RECIPIENT, &format!("number {number}")))).collect()
}

#[tokio::test]
async fn a_process_that_is_told_to_end_makes_nothing_unknown_that_never_left() {
    for _ in 0..3 {
        let mut stage = Stage::with(|config, _| (smpp(config).rate, config.dispatch.batch) = (2_000, 10)).await;
        let tenant = stage.tenant().await;
        let accepted = at_once(stage.api, messages(&tenant, 300)).await;
        eventually("some have left", async || (stage.smsc.summary().submitted > 50).then_some(())).await;
        stage.restart(|_| {}).await;
        for reply in accepted {
            let id = &reply.expect(201)["id"];
            stage.reaches(&tenant, id, "delivered").await;
            assert_eq!(stage.life(id).await["unknownOutcomes"], 0);
        }
        assert_eq!(stage.smsc.summary().submitted, 300);
    }
}

#[tokio::test]
async fn a_paced_backlog_of_one_account_holds_up_no_retry_of_another() {
    let stage = Stage::with(|config, _| (config.dispatch.account_rate, config.dispatch.batch) = (1, 5)).await;
    let (busy, quiet) = (stage.tenant().await, stage.tenant().await);
    let (busy, quiet) =
        (stage.key(&busy, json!({ "mode": "test" })).await, stage.key(&quiet, json!({ "mode": "test" })).await);
    at_once(stage.api, messages(&busy, 60)).await;
    // The sandbox puts this one off at first, so that it waits in the store for its second attempt.
    let put_off = stage.send(&quiet, "+18005550008", "hello").await;
    stage.reaches(&quiet, &put_off["id"], "delivered").await;
    assert_eq!(stage.life(&put_off["id"]).await["attempts"], 2);
}

#[tokio::test]
async fn a_message_expires_in_time_although_its_carrier_is_down_and_holds_it() {
    let stage = Stage::with(|config, _| {
        config.dispatch.validity_secs = 1;
        config.carrier = vec![carrier("main", crate::support::dead_port())];
    })
    .await;
    let tenant = stage.tenant().await;
    // Its client waits, and is told.
    let ask = tenant.post(&tenant.message(RECIPIENT, "hello")).header("prefer", "wait=30");
    let ended = tokio::time::timeout(Duration::from_secs(10), stage.ask(&ask))
        .await
        .expect("long before its lease ends")
        .expect(201);
    assert_eq!((&ended["status"], &ended["errorType"]), (&json!("undelivered"), &json!("expired")));
}

#[tokio::test]
async fn what_its_route_holds_is_held_although_its_carrier_is_gone() {
    let mut stage = Stage::with(|config, options| {
        options.response_delay_ms = DelayMs(60_000, 60_000);
        config.dispatch.drain_secs = 0;
    })
    .await;
    let tenant = stage.tenant().await;
    let message = stage.send(&tenant, RECIPIENT, "hello").await;
    eventually("the carrier has it", async || (stage.smsc.summary().submitted == 1).then_some(())).await;
    stage
        .restart(|config| {
            smpp(config).name = "renamed".to_owned();
            let carriers = vec!["renamed".to_owned()];
            config.route =
                vec![RouteConfig { prefix: String::new(), kind: None, carriers, on_unknown: OnUnknown::Hold }];
        })
        .await;
    let abandoned = stage.operate("POST", "/carriers/main/abandon", Value::Null).await.expect(200);
    assert_eq!(abandoned, json!({ "name": "main", "rerouted": 0, "failed": 0, "held": 1 }));
    let life = stage.life(&message["id"]).await;
    assert_eq!((&life["held"], &life["unknownOutcomes"], &life["status"]), (&json!(true), &json!(1), &json!("queued")));
    assert_eq!(stage.smsc.summary().submitted, 1);
}

#[tokio::test]
async fn a_new_store_is_refused_beside_the_media_of_another() {
    let mut stage = Stage::start().await;
    stage.stop().await;
    let path = stage.directory.path().join("store.db");
    let start = || App::start(stage.config.clone(), Arc::new(Machine::new()), Arc::new(OsEntropy));
    std::fs::remove_file(&path).unwrap();
    let directory = Directory::open(&stage.config.media.directory, Arc::new(Machine::new())).unwrap();
    directory.put("digest-id", Bytes::from_static(b"a picture")).await.unwrap();
    let error = start().await.map(drop).unwrap_err().to_string();
    assert!(error.contains("there is no store yet") && error.contains("media") && !path.exists(), "{error}");
    directory.remove("digest-id").await.unwrap();
    start().await.unwrap().stop().await;
}
