//! A node among others: one that is over, and carriers that only another one knows.

use pipeline::OVER;
use serde_json::{Value, json};
use store::StoreError;

use crate::support::http::Ask;
use crate::support::store::Trouble;
use crate::support::{DEADLINE, Stage, carrier, dead_port};

#[tokio::test]
async fn a_node_whose_epoch_is_over_is_not_ready_and_ends() {
    let (mut stage, gates) = Stage::gated(|_, _| {}).await;
    let ready = Ask::new("GET", "/readyz");
    ready.send(stage.admin).await.expect(200);
    gates.trouble(&["renew"], &Trouble::Fails(StoreError::Over));
    let failed = tokio::time::timeout(DEADLINE, stage.app().failed()).await.expect("the next heartbeat tells");
    assert_eq!(failed, OVER);
    let unready = json!({ "status": "unavailable", "draining": false, "store": "ok", "tasks": "ok", "node": OVER });
    assert_eq!(ready.send(stage.admin).await.expect(503), unready);
    stage.stop().await;
}

#[tokio::test]
async fn messages_of_an_unknown_carrier_wait_until_the_operator_abandons_it() {
    const ABROAD: &str = "+442071838750";
    let route = |carrier: &str| config::RouteConfig {
        prefix: "+44".to_owned(),
        kind: None,
        carriers: vec![carrier.to_owned()],
        on_unknown: Default::default(),
    };
    let mut stage = Stage::with(|config, _| {
        config.carrier.push(carrier("old", dead_port()));
        config.route.insert(0, route("old"));
    })
    .await;
    let tenant = stage.tenant().await;
    let sent = stage.send(&tenant, ABROAD, "hello").await;
    stage
        .restart(|config| {
            config.carrier.retain(|carrier| carrier.name() != "old");
            config.route[0] = route("main");
        })
        .await;

    let old = stage.carrier("old").await;
    assert_eq!((&old["state"], &old["queued"]), (&json!("unknown"), &json!(1)));
    let metrics = Ask::new("GET", "/metrics").send(stage.admin).await.text();
    assert!(metrics.contains("smsfactory_queue_messages_unknown_carrier{carrier=\"old\"} 1\n"), "{metrics}");
    assert_eq!(stage.life(&sent["id"]).await["status"], "queued");
    for name in ["main", "never"] {
        stage
            .operate("POST", &format!("/carriers/{name}/abandon"), Value::Null)
            .await
            .refused_by_operator(33101, Value::Null);
    }

    let abandoned = stage.operate("POST", "/carriers/old/abandon", Value::Null).await.expect(200);
    assert_eq!(abandoned, json!({ "name": "old", "rerouted": 1, "failed": 0, "held": 0 }));
    stage.reaches(&tenant, &sent["id"], "delivered").await;
    stage.operate("POST", "/carriers/old/abandon", Value::Null).await.refused_by_operator(33101, Value::Null);
}
