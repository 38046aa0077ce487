//! STOP at work, from the handset to the API: the sandbox's handsets answer, and everything that follows is seen by the
//! client.

use serde_json::{Value, json};

use crate::support::http::Ask;
use crate::support::{Stage, Tenant, eventually};

const STOPS: &str = "+12025550009";

/// A tenant's live key and its test key.
async fn keys(stage: &Stage) -> [Tenant; 2] {
    let live = stage.tenant().await;
    let test = stage.key(&live, json!({ "mode": "test" })).await;
    [live, test]
}

/// The first inbound message of this handset.
async fn answer(stage: &Stage, tenant: &Tenant, from: &str) -> Value {
    let ask = tenant.get(&format!("/message?direction=inbound&from={from}"));
    eventually(&format!("{from} answers"), async || {
        stage.ask(&ask).await.expect(200)["data"].as_array().unwrap().first().cloned()
    })
    .await
}

#[tokio::test]
async fn a_handset_that_says_stop_gets_one_answer_and_nothing_more() {
    let stage = Stage::start().await;
    let [live, test] = keys(&stage).await;
    stage.send(&test, STOPS, "We are open again").await;
    let stop = answer(&stage, &test, STOPS).await;
    assert_eq!((&stop["body"], &stop["keyword"], &stop["to"]), (&json!("STOP"), &json!("stop"), &json!(test.number)));

    let found = stage.ask(&test.get("/optout")).await.expect(200)["data"][0].clone();
    assert_eq!((&found["number"], &found["messageId"]), (&json!(STOPS), &stop["id"]));
    assert_eq!((&found["source"], &found["keyword"]), (&json!("keyword"), &json!("STOP")));
    let refused = stage.ask(&test.post(&test.message(STOPS, "One more thing"))).await;
    refused.refused(33010, json!({ "reason": "opted_out", "since": found["createdAt"] }));

    let to = test.get(&format!("/message?direction=outbound&to={STOPS}"));
    let automatic = eventually("the automatic message leaves", async || {
        let sent = stage.ask(&to).await.expect(200)["data"].as_array().unwrap().clone();
        sent.into_iter().find(|message| message["automatic"] == true && message["status"] == "delivered")
    })
    .await;
    assert!(automatic["body"].as_str().unwrap().contains("START"), "{automatic}");

    // The live world knows nothing of it.
    assert_eq!(stage.ask(&live.get("/optout")).await.expect(200)["data"], json!([]));
    assert_eq!(stage.ask(&live.get("/message")).await.expect(200)["data"], json!([]));
    stage.send(&live, STOPS, "hello").await;

    let ask = test.sign(Ask::new("DELETE", &format!("/api/v1/messaging/optout/{STOPS}")));
    stage.ask(&ask.clone()).await.refused(33005, json!({ "fields": ["reason"] }));
    stage.ask(&ask.json(&json!({ "reason": "signed a form" }))).await.expect(204);
    stage.send(&test, STOPS, "Welcome back").await;
}

#[tokio::test]
async fn a_picture_and_a_long_text_of_the_sandbox_are_read() {
    let stage = Stage::start().await;
    let [_, test] = keys(&stage).await;
    stage.send(&test, "+12025550011", "Tell me more").await;
    stage.send(&test, "+12025550012", "Show me").await;
    let long = answer(&stage, &test, "+12025550011").await;
    assert_eq!((&long["segments"], long.get("partial")), (&json!(2), None));
    assert!(long["body"].as_str().unwrap().len() > 160, "{long}");
    let picture = answer(&stage, &test, "+12025550012").await;
    let media = &picture["media"][0];
    assert_eq!((&picture["messageType"], &media["contentType"]), (&json!("MMS"), &json!("image/png")));
    let base = format!("http://{}", stage.api);
    let path = media["url"].as_str().unwrap().strip_prefix(&base).unwrap().to_owned();
    let file = stage.ask(&Ask::new("GET", &path)).await;
    assert_eq!((file.status, file.header("content-disposition")), (200, Some("inline")));
    assert_eq!(file.body.len() as u64, media["bytes"].as_u64().unwrap());
}
