//! Cases from the field, as data: requests exactly as clients sent them, and what each is answered. The lines are in
//! `tests/field/api.jsonl`.
//!
//! A line is a case with its `steps`, of one account. A step has the body (`raw` text, or octets in `hex`), perhaps
//! `headers` and a `path`; and the `status`, the `code` and `additionalInfo` (`info`) of an error, or fields that the
//! answer `has` (null for none) and the step that it `replays`.

use serde_json::Value;

use crate::support::http::{Ask, Reply};
use crate::support::{Stage, Tenant};

const CASES: &str = include_str!("../../../../tests/field/api.jsonl");

/// The sender of the cases.
const SENDER: &str = "+18005551234";

fn octets(step: &Value) -> Vec<u8> {
    match step["raw"].as_str() {
        Some(text) => text.as_bytes().to_vec(),
        None => step["hex"]
            .as_str()
            .unwrap()
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect(),
    }
}

fn request(tenant: &Tenant, step: &Value) -> Ask {
    let path = step["path"].as_str().unwrap_or("/message");
    let ask = tenant.sign(Ask::new("POST", &format!("/api/v1/messaging{path}"))).text(octets(step));
    let headers = step["headers"].as_array().into_iter().flatten();
    headers.fold(ask, |ask, header| ask.header(header[0].as_str().unwrap(), header[1].as_str().unwrap()))
}

#[track_caller]
fn check(what: &str, step: &Value, reply: &Reply, earlier: &[Reply]) {
    assert_eq!(u64::from(reply.status), step["status"].as_u64().unwrap(), "{what}: {reply}");
    if let Some(code) = step["code"].as_u64() {
        assert_eq!((reply.code(), &reply.json()["additionalInfo"]), (code, &step["info"]), "{what}");
        return reply.refused(u16::try_from(code).unwrap(), step["info"].clone());
    }
    for (field, value) in step["has"].as_object().into_iter().flatten() {
        assert_eq!(&reply.json()[field], value, "{what}: {field}");
    }
    let replayed = step["replays"].as_u64().map(|step| &earlier[usize::try_from(step).unwrap()]);
    assert_eq!(reply.header("idempotent-replayed"), replayed.map(|_| "true"), "{what}: {reply}");
    if let Some(first) = replayed {
        assert_eq!((reply.text(), reply.header("location")), (first.text(), first.header("location")), "{what}");
    }
}

#[tokio::test]
async fn requests_from_the_field_are_answered_as_they_should_be() {
    let stage = Stage::start().await;
    for case in CASES.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        let mut tenant = stage.tenant().await;
        let owned = serde_json::json!({ "accountId": tenant.account });
        if stage.operate("PATCH", &format!("/numbers/{SENDER}"), owned).await.status != 200 {
            stage
                .operate("POST", "/numbers", serde_json::json!({ "number": SENDER, "accountId": tenant.account }))
                .await
                .expect(201);
        }
        tenant.number = SENDER.to_owned();
        let mut replies: Vec<Reply> = Vec::new();
        for (number, step) in case["steps"].as_array().unwrap().iter().enumerate() {
            let reply = stage.ask(&request(&tenant, step)).await;
            check(
                &format!("{} ({}), step {number}", case["id"].as_str().unwrap(), case["title"].as_str().unwrap()),
                step,
                &reply,
                &replies,
            );
            // What a client is told can be read again, in the same words.
            if reply.status == 201 && !step["has"].is_null() {
                let shown =
                    stage.ask(&tenant.sign(Ask::new("GET", reply.header("location").unwrap()))).await.expect(200);
                check(
                    "read again",
                    &serde_json::json!({ "status": 201, "has": step["has"] }),
                    &Reply { body: shown.to_string().into(), ..reply.clone() },
                    &[],
                );
            }
            replies.push(reply);
        }
    }
}

#[tokio::test]
async fn a_carrier_that_transliterates_takes_a_typographic_space_as_a_space() {
    let stage = Stage::with(|config, _| crate::support::smpp(config).transliterate = true).await;
    let tenant = stage.tenant().await;
    let text = "Your appointment is on Monday 16 March at 3:30\u{202f}PM. Reply C to confirm or call the office at \
        800 555 0199 to reschedule.";
    let message = stage.send(&tenant, crate::support::RECIPIENT, text).await;
    assert_eq!((message["encoding"].as_str(), message["segments"].as_u64()), (Some("UCS-2"), Some(2)));
    stage.reaches(&tenant, &message["id"], "delivered").await;
    let submitted = stage.submissions();
    assert_eq!(submitted.len(), 1, "{submitted:?}");
}
