//! The files of inbound messages: who gets them, and how browsers are kept from running them.

use std::time::Duration;

use model::{MessageId, Mode};
use serde_json::{Value, json};

use crate::support::http::{Ask, Reply};
use crate::support::media::PHOTO;
use crate::support::{Stage, Tenant};

const NOON: &str = "2026-03-15T12:00:00.000Z";
const HANDSET: &str = "+18005551234";
const SVG: &[u8] = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";

/// The link to a file of a message, as a path of this server.
async fn link(stage: &Stage, tenant: &Tenant, id: MessageId, place: usize) -> String {
    let message = stage.ask(&tenant.get(&format!("/message/{id}"))).await.expect(200);
    let url = message["media"][place]["url"].as_str().unwrap();
    let base = format!("http://{}", stage.api);
    url.strip_prefix(&base).unwrap_or_else(|| panic!("{url} does not begin with {base}")).to_owned()
}

async fn get(stage: &Stage, path: &str) -> Reply {
    stage.ask(&Ask::new("GET", path)).await
}

#[track_caller]
fn is_file(reply: &Reply, octets: &[u8], kind: &str, disposition: &str) {
    assert_eq!((reply.status, reply.body.len()), (200, octets.len()), "{:?}", reply.headers);
    assert!(reply.body == octets, "other octets");
    for (name, value) in [
        ("content-type", kind),
        ("content-disposition", disposition),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "sandbox"),
        ("cache-control", "private, no-store"),
    ] {
        assert_eq!(reply.header(name), Some(value), "{name}");
    }
    reply.has_rate_limit();
}

#[tokio::test]
async fn a_link_and_the_accounts_credentials_give_the_same_file() {
    let stage = Stage::at(NOON, |_, _| {}).await;
    let tenant = stage.tenant().await;
    // Larger than what is in memory at once.
    let long = [PHOTO, &vec![7; 300_000]].concat();
    let files = [("image/jpeg", PHOTO), ("image/svg+xml", SVG), ("image/png", PHOTO), ("video/3gpp", &long)];
    let mut media = Vec::new();
    for (kind, octets) in files {
        media.push(stage.file(kind, octets).await);
    }
    let id = stage.picture_from(&tenant, HANDSET, media).await.id;
    for (place, (kind, octets)) in files.into_iter().enumerate() {
        let disposition = if place == 0 {
            "inline".to_owned()
        } else {
            format!("attachment; filename=\"{id}-{place}.{}\"", ["", "bin", "png", "bin"][place])
        };
        let linked = get(&stage, &link(&stage, &tenant, id, place).await).await;
        is_file(&linked, octets, kind, &disposition);
        let own = stage.ask(&tenant.get(&format!("/message/{id}/media/{place}"))).await;
        is_file(&own, octets, kind, &disposition);
        let head = stage.ask(&Ask::new("HEAD", &link(&stage, &tenant, id, place).await)).await;
        assert_eq!((head.status, head.number("content-length")), (200, octets.len() as u64));
    }
    for nothing in ["4", "-1", "00", "x", "%2B0"] {
        stage.ask(&tenant.get(&format!("/message/{id}/media/{nothing}"))).await.refused(33101, Value::Null);
    }
    stage.ask(&Ask::new("POST", &format!("/media/{id}/0"))).await.refused(33102, Value::Null);
}

#[tokio::test]
async fn a_link_is_good_for_an_hour_and_cannot_be_changed() {
    let stage = Stage::at(NOON, |_, _| {}).await;
    let tenant = stage.tenant().await;
    let files = vec![stage.file("image/jpeg", PHOTO).await, stage.file("image/svg+xml", SVG).await];
    let id = stage.picture_from(&tenant, HANDSET, files).await.id;
    let link = link(&stage, &tenant, id, 0).await;
    for changed in [
        link.replace("/0?", "/1?"),
        link.replace(&id.to_string(), "msg_0000000000000000000000"),
        link.replace("exp=1773579600", "exp=1773579601"),
        link[..link.len() - 1].to_owned(),
        link.split("&sig=").next().unwrap().to_owned(),
        link.split('?').next().unwrap().to_owned(),
        format!("{link}A"),
    ] {
        assert_ne!(changed, link);
        get(&stage, &changed).await.refused(33101, Value::Null);
    }
    stage.time.advance(Duration::from_secs(3_599));
    assert_eq!(get(&stage, &link).await.status, 200);
    stage.time.advance(Duration::from_secs(1));
    get(&stage, &link).await.refused(33101, Value::Null);
}

#[tokio::test]
async fn what_a_link_gives_counts_as_a_read_of_its_account() {
    let stage = Stage::at(NOON, |_, _| {}).await;
    let tenant = stage.tenant_with(json!({ "readPerMinute": 3 })).await;
    let file = stage.file("image/jpeg", PHOTO).await;
    let id = stage.picture_from(&tenant, HANDSET, vec![file]).await.id;
    let link = link(&stage, &tenant, id, 0).await;
    assert_eq!(get(&stage, &link).await.has_rate_limit(), (3, 1, 1_773_576_060));
    assert_eq!(get(&stage, &link).await.has_rate_limit().1, 0);
    get(&stage, &link).await.refused(33002, Value::Null);
    stage.ask(&tenant.get("/message")).await.refused(33002, Value::Null);
    // A link that is not ours takes nothing from anybody.
    let other = get(&stage, &link.replace("/0?", "/1?")).await;
    other.refused(33101, Value::Null);
    assert_eq!(other.has_rate_limit().0, 30);
}

#[tokio::test]
async fn a_link_of_an_account_that_may_not_ask_is_nothing() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let file = stage.file("image/jpeg", PHOTO).await;
    let id = stage.picture_from(&tenant, HANDSET, vec![file]).await.id;
    let link = link(&stage, &tenant, id, 0).await;
    stage.operate("PATCH", &format!("/accounts/{}", tenant.account), json!({ "state": "suspended" })).await.expect(200);
    get(&stage, &link).await.refused(33101, Value::Null);
}

#[tokio::test]
async fn a_file_that_is_lost_is_a_failure_of_ours() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let (lost, cut) = (stage.file("image/jpeg", PHOTO).await, stage.file("image/jpeg", &PHOTO[1..]).await);
    let shard = |name: &str| stage.config.media.directory.join(&name[..2]).join(name);
    std::fs::remove_file(shard(&lost.name())).unwrap();
    let id = stage.picture_from(&tenant, HANDSET, vec![lost, cut]).await.id;
    get(&stage, &link(&stage, &tenant, id, 0).await).await.refused(33000, Value::Null);
    assert_eq!(get(&stage, &link(&stage, &tenant, id, 1).await).await.status, 200);
}

#[tokio::test]
async fn the_host_of_a_request_is_in_no_link() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let file = stage.file("image/jpeg", PHOTO).await;
    let message = stage
        .text(&tenant, HANDSET, "Look", |message| {
            (message.kind, message.media, message.mode) = (model::message::MessageType::Mms, [file].into(), Mode::Live);
        })
        .await;
    let id = stage.record(message, Default::default()).await.id;
    let ask = tenant.get(&format!("/message/{id}")).header("x-forwarded-host", "evil.example");
    let url = stage.ask(&ask).await.expect(200)["media"][0]["url"].clone();
    assert!(url.as_str().unwrap().starts_with(&format!("http://{}/media/", stage.api)), "{url}");
}
