//! Messages of handsets in the public API: what they look like, and the list of both directions.

use std::time::Duration;

use model::media::Digest;
use model::{
    Assignment, InboundAddress, InboundBody, InboundEncoding, Keyword, KeywordKind, Message, MessageId, Mode,
    Originator,
};
use serde_json::{Value, json};
use store::contract::inbound::{Consequence, Reply, ReplyBound};

use crate::support::http::Ask;
use crate::support::inbound::start;
use crate::support::media::PHOTO;
use crate::support::{RECIPIENT, Stage, Tenant};

const NOON: &str = "2026-03-15T12:00:00.000Z";
const HANDSET: &str = "+18005551234";

async fn shown(stage: &Stage, tenant: &Tenant, id: MessageId) -> Value {
    stage.ask(&tenant.get(&format!("/message/{id}"))).await.expect(200)
}

/// The ids of a page, and its cursor.
async fn page(stage: &Stage, tenant: &Tenant, query: &str) -> (Vec<String>, Option<String>) {
    let page = stage.ask(&tenant.get(&format!("/message?{query}"))).await.expect(200);
    let ids = page["data"].as_array().unwrap().iter().map(|message| message["id"].as_str().unwrap().to_owned());
    (ids.collect(), page["nextCursor"].as_str().map(str::to_owned))
}

#[tokio::test]
async fn a_message_of_a_handset_is_shown_as_published() {
    let stage = Stage::at(NOON, |_, _| {}).await;
    let tenant = stage.tenant().await;
    let message = stage.stop_from(&tenant, HANDSET, Mode::Live).await;
    let expected = json!({
        "id": message.id.to_string(), "direction": "inbound", "from": HANDSET, "to": tenant.number, "body": "Stop.",
        "messageType": "SMS", "encoding": "GSM-7", "segments": 1, "status": "received", "keyword": "stop",
        "createdAt": NOON, "receivedAt": NOON,
    });
    assert_eq!(shown(&stage, &tenant, message.id).await, expected);
    let list = stage.ask(&tenant.get("/message?direction=inbound")).await.expect(200);
    assert_eq!(list, json!({ "data": [expected], "nextCursor": null }));
}

#[tokio::test]
async fn each_kind_of_content_has_its_fields() {
    let stage = Stage::at(NOON, |config, _| config.api.public_url = "https://sms.example.com/x".to_owned()).await;
    let tenant = stage.tenant().await;
    let partial = stage
        .text(&tenant, HANDSET, "one three", |message| {
            (message.segments, message.missing_parts, message.suspected_opt_out) = (3, [2].into(), true);
        })
        .await;
    let binary = stage
        .text(&tenant, "someone@example.com", "", |message| {
            (message.body, message.encoding) = (InboundBody::Binary([0, 159, 255].into()), InboundEncoding::Binary);
        })
        .await;
    let file = stage.file("image/jpeg", PHOTO).await;
    let group = stage
        .text(&tenant, "72345", "", |message| {
            message.kind = model::message::MessageType::Mms;
            message.media = [file].into();
            message.additional_recipients = [InboundAddress::of("+18005550001"), InboundAddress::of("ACME")].into();
        })
        .await;
    stage.record_parts(partial.clone()).await;
    for message in [&binary, &group] {
        stage.record(message.clone(), Consequence::default()).await;
    }
    let partial = shown(&stage, &tenant, partial.id).await;
    assert_eq!((&partial["partial"], &partial["missingParts"]), (&json!(true), &json!([2])));
    assert_eq!(
        (&partial["suspectedOptOut"], partial.get("keyword"), &partial["segments"]),
        (&json!(true), None, &json!(3))
    );
    let binary = shown(&stage, &tenant, binary.id).await;
    assert_eq!((binary.get("body"), &binary["bodyBase64"]), (None, &json!("AJ//")));
    assert_eq!((&binary["encoding"], &binary["from"]), (&json!("binary"), &json!("someone@example.com")));
    assert_eq!((binary.get("media"), binary.get("partial")), (None, None));
    let id = group.id.to_string();
    let group = shown(&stage, &tenant, group.id).await;
    assert_eq!((&group["body"], &group["messageType"], &group["from"]), (&json!(""), &json!("MMS"), &json!("72345")));
    assert_eq!(group["additionalRecipients"], json!(["+18005550001", "ACME"]));
    let media = &group["media"][0];
    let digest = Digest::of(PHOTO).to_string();
    assert_eq!((&media["contentType"], &media["bytes"]), (&json!("image/jpeg"), &json!(PHOTO.len())));
    assert_eq!(media["sha256"], digest);
    let url = media["url"].as_str().unwrap();
    assert!(url.starts_with(&format!("https://sms.example.com/x/media/{id}/0?exp=1773579600&sig=")), "{url}");
}

#[tokio::test]
async fn an_automatic_message_says_that_it_is_one() {
    let stage = Stage::at(NOON, |_, _| {}).await;
    let tenant = stage.tenant().await;
    let reply = Message {
        id: MessageId::new(stage.now(), &model::SeededEntropy::new(9)),
        account: tenant.account.parse().unwrap(),
        originator: Originator::parse(&tenant.number).unwrap(),
        recipient: model::Msisdn::parse(HANDSET).unwrap(),
        automatic: Some(KeywordKind::Help),
        created_at: stage.now(),
        expires_at: stage.now() + Duration::from_secs(300),
        ..testkit::message(9)
    };
    let id = reply.id;
    let carrier = Assignment::Carrier("main".into());
    let reply = Reply { message: reply.into(), carrier, due_at: stage.now(), bound: ReplyBound::After(Duration::ZERO) };
    let help = stage
        .text(&tenant, HANDSET, "HELP", |message| {
            message.keyword = Some(Keyword { kind: KeywordKind::Help, word: "HELP".into() });
        })
        .await;
    stage.record(help, Consequence { opt: None, reply: Some(reply) }).await;
    assert_eq!(shown(&stage, &tenant, id).await["automatic"], json!(true));
    let other = stage.send(&tenant, RECIPIENT, "hello").await;
    assert_eq!(other.get("automatic"), None);
}

#[tokio::test]
async fn a_list_has_both_directions_in_the_order_of_their_ids() {
    let stage = Stage::at(NOON, |_, _| {}).await;
    let tenant = stage.tenant().await;
    let mut ids = Vec::new();
    for round in 0..23 {
        stage.time.advance(Duration::from_secs(1));
        // Runs of one direction, and turns of both.
        if round % 3 == 0 || (8..14).contains(&round) {
            ids.push(stage.receive(&tenant, HANDSET, &format!("in {round}")).await.id.to_string());
        } else {
            let sent = stage.send(&tenant, HANDSET, &format!("out {round}")).await;
            ids.push(sent["id"].as_str().unwrap().to_owned());
        }
    }
    ids.reverse();
    assert_eq!(page(&stage, &tenant, "").await, (ids.clone(), None));
    for limit in [1, 2, 5, 22, 23] {
        let (mut walked, mut cursor) = (Vec::new(), String::new());
        loop {
            let (found, next) = page(&stage, &tenant, &format!("limit={limit}&cursor={cursor}")).await;
            assert!(found.len() <= limit);
            walked.extend(found);
            let Some(next) = next else { break };
            cursor = next;
        }
        assert_eq!(walked, ids, "{limit}");
    }
    // A cursor means the same place in each direction, whichever message it came from.
    for cursor in [&ids[4], &ids[10]] {
        let mut both: Vec<String> = Vec::new();
        for direction in ["inbound", "outbound"] {
            both.extend(page(&stage, &tenant, &format!("direction={direction}&cursor={cursor}")).await.0);
        }
        both.sort_by_key(|id| ids.iter().position(|known| known == id));
        let place = ids.iter().position(|id| id == cursor).unwrap();
        assert_eq!(both, ids[place + 1..], "{cursor}");
    }
}

#[tokio::test]
async fn filters_narrow_both_directions() {
    let stage = Stage::at(NOON, |config, _| config.carrier.clear()).await;
    let tenant = stage.tenant().await;
    let other = "+12025550199";
    let number = tenant.number.as_str();
    stage.receive(&tenant, HANDSET, "in one").await;
    let sent = stage.send(&tenant, HANDSET, "out one").await;
    stage.reaches(&tenant, &sent["id"], "failed").await;
    stage.time.advance(Duration::from_secs(60));
    stage.receive(&tenant, other, "in two").await;
    stage.receive(&tenant, "72345", "in three").await;
    let listed = async |query: &str| {
        let page = stage.ask(&tenant.get(&format!("/message?{query}"))).await.expect(200);
        let mut bodies: Vec<String> = page["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|message| message["body"].as_str().unwrap().to_owned())
            .collect();
        bodies.sort();
        bodies
    };
    for (query, bodies) in [
        ("", &["in one", "in three", "in two", "out one"][..]),
        ("direction=inbound", &["in one", "in three", "in two"]),
        ("direction=outbound", &["out one"]),
        ("status=received", &["in one", "in three", "in two"]),
        ("status=failed", &["out one"]),
        ("status=sent&direction=inbound", &[]),
        ("status=received&direction=outbound", &[]),
        ("broadcastId=brc_0000000000000000000000", &[]),
        (&format!("from={HANDSET}"), &["in one"]),
        (&format!("to={HANDSET}"), &["out one"]),
        (&format!("to={number}"), &["in one", "in three", "in two"]),
        (&format!("from={number}"), &["out one"]),
        (&format!("to={number}&from={other}"), &["in two"]),
        ("direction=inbound&from=72345", &["in three"]),
        ("direction=inbound&from=nobody@example.com", &[]),
        ("after=2026-03-15T12:01:00Z", &["in three", "in two"]),
        ("before=2026-03-15T12:01:00Z", &["in one", "out one"]),
        (&format!("after=2026-03-15T12:00:00Z&before=2026-03-15T12:00:30Z&to={number}"), &["in one"]),
    ] {
        assert_eq!(listed(query).await, bodies, "{query}");
    }
    for wrong in ["status=Received", "direction=in"] {
        assert_eq!(stage.ask(&tenant.get(&format!("/message?{wrong}"))).await.code(), 33100, "{wrong}");
    }
    // Where outbound messages may be in the list, an address is what outbound messages have.
    stage.ask(&tenant.get("/message?from=72345")).await.refused(33003, json!({ "field": "from" }));
}

#[tokio::test]
async fn the_operator_finds_messages_of_handsets_and_gives_away_those_of_no_account() {
    let stage = Stage::at(NOON, |_, _| {}).await;
    let (tenant, other) = (stage.tenant().await, stage.tenant().await);
    let mine = stage.receive(&tenant, HANDSET, "mine").await;
    stage.time.advance(Duration::from_secs(1));
    stage.stop_from(&other, HANDSET, Mode::Test).await;
    let listed = async |query: &str| {
        let page = stage.operate("GET", &format!("/inbound{query}"), Value::Null).await.expect(200);
        page["data"].as_array().unwrap().iter().map(|message| message["body"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(listed("").await, ["Stop.", "mine"]);
    assert_eq!(listed(&format!("?accountId={}", tenant.account)).await, ["mine"]);
    assert_eq!(listed(&format!("?accountId={}", other.account)).await, [""; 0], "live, unless asked otherwise");
    assert_eq!(listed(&format!("?accountId={}&mode=test", other.account)).await, ["Stop."]);
    assert_eq!(listed(&format!("?to={}", tenant.number.replace('+', "%2B"))).await, ["mine"]);
    let missing = json!({ "fields": ["accountId"] });
    stage.operate("GET", "/inbound?mode=test", Value::Null).await.refused_by_operator(33005, missing);
    let seen = stage.operate("GET", &format!("/messages/{}", mine.id), Value::Null).await.expect(200);
    assert_eq!((&seen["accountId"], &seen["carrier"]), (&json!(tenant.account), &json!("main")));

    let stray = stage
        .text(&tenant, HANDSET, "stop", |message| {
            message.to = InboundAddress::of("+18005550999");
            message.keyword = Some(Keyword { kind: KeywordKind::Stop, word: "STOP".into() });
        })
        .await;
    let stray = stage.record_unrouted(stray).await;
    let unrouted = async || stage.operate("GET", "/inbound/unrouted", Value::Null).await.expect(200)["data"].clone();
    let found = unrouted().await;
    assert_eq!((&found[0]["id"], &found[0]["body"]), (&json!(stray.id.to_string()), &json!("stop")));
    assert_eq!(found[0].get("accountId"), None, "it is no account's");
    assert!(page(&stage, &tenant, "").await.0.iter().all(|id| *id != stray.id.to_string()));
    stage.ask(&tenant.get(&format!("/message/{}", stray.id))).await.refused(33101, Value::Null);

    let place = format!("/inbound/unrouted/{}/assign", stray.id);
    for (input, code) in [
        (json!({}), 33005),
        (json!({ "accountId": "acc_0000000000000000000000" }), 33100),
        (json!({ "accountId": tenant.account, "mode": "both" }), 33100),
    ] {
        assert_eq!(stage.operate("POST", &place, input).await.code(), code);
    }
    let assigned = stage.operate("POST", &place, json!({ "accountId": tenant.account })).await.expect(200);
    assert_eq!(assigned["accountId"], tenant.account);
    assert_eq!(unrouted().await, json!([]));
    let inbound = stage.ask(&tenant.get("/message?direction=inbound")).await.expect(200);
    assert_eq!((&inbound["data"][0]["body"], &inbound["data"][0]["keyword"]), (&json!("stop"), &json!("stop")));
    let optouts = stage.ask(&tenant.get("/optout")).await.expect(200);
    assert_eq!((&optouts["data"][0]["number"], &optouts["data"][0]["keyword"]), (&json!(HANDSET), &json!("STOP")));
    stage.operate("POST", &place, json!({ "accountId": tenant.account })).await.refused_by_operator(33101, Value::Null);
}

#[tokio::test]
async fn the_operator_sees_which_characters_made_a_text_of_a_handset_ucs2() {
    let stage = Stage::at(NOON, |_, _| {}).await;
    let tenant = stage.tenant().await;
    let foreign = |character: char, position: usize| json!({ "character": character, "position": position });
    for (index, (body, encoding, missing, expected)) in [
        ("don’t go 😀", InboundEncoding::Ucs2, &[][..], json!([foreign('’', 4), foreign('😀', 10)])),
        ("a[…]c…", InboundEncoding::Ucs2, &[], json!([foreign('…', 3)])),
        // What stands for a missing part is not the handset's.
        ("a[…]’c", InboundEncoding::Ucs2, &[2], json!([foreign('’', 5)])),
        ("a[…]c", InboundEncoding::Ucs2, &[2], Value::Null),
        ("hello", InboundEncoding::Ucs2, &[], Value::Null),
        // Of a national table.
        ("ş", InboundEncoding::Gsm7, &[], Value::Null),
    ]
    .into_iter()
    .enumerate()
    {
        let message = stage
            .text(&tenant, &format!("+1800555123{index}"), body, |message| {
                (message.encoding, message.missing_parts) = (encoding, missing.into());
                message.segments = 3;
            })
            .await;
        let id = message.id;
        match missing {
            [] => drop(stage.record(message, Consequence::default()).await),
            _ => drop(stage.record_parts(message).await),
        }
        let seen = stage.operate("GET", &format!("/messages/{id}"), Value::Null).await.expect(200);
        assert_eq!((&seen["body"], &seen["ucs2Characters"]), (&json!(body), &expected));
        assert_eq!(shown(&stage, &tenant, id).await.get("ucs2Characters"), None, "clients hear what is published");
        let masked = stage.operate("GET", &format!("/messages/{id}?mask=1"), Value::Null).await.expect(200);
        assert!(!masked.to_string().contains('’'), "{masked}");
    }
}

#[tokio::test]
async fn nothing_of_a_handset_is_there_for_another_account_or_another_world() {
    let stage = Stage::start().await;
    let (tenant, other) = (stage.tenant().await, stage.tenant().await);
    let test = stage.key(&tenant, json!({ "mode": "test" })).await;
    let file = stage.file("image/jpeg", PHOTO).await;
    let picture = stage.picture_from(&tenant, HANDSET, vec![file]).await;
    let stop = stage.stop_from(&tenant, HANDSET, Mode::Live).await;
    let paths = [
        format!("/message/{}", picture.id),
        format!("/message/{}", stop.id),
        format!("/message/{}/media/0", picture.id),
    ];
    let lists = ["/message", "/message?direction=inbound", "/optout", &format!("/optout/%2B{}/history", &HANDSET[1..])];
    for path in &paths {
        assert_eq!(stage.ask(&tenant.get(path)).await.status, 200, "{path}");
    }
    for path in lists {
        assert_ne!(stage.ask(&tenant.get(path)).await.expect(200)["data"], json!([]), "{path}");
    }
    for stranger in [&other, &test] {
        for path in &paths {
            stage.ask(&stranger.get(path)).await.refused(33101, Value::Null);
        }
        for path in lists {
            assert_eq!(stage.ask(&stranger.get(path)).await.expect(200)["data"], json!([]), "{path}");
        }
        // They opt the same handset in, and their own world alone changes.
        let place = format!("/api/v1/messaging/optout/{HANDSET}");
        stage.ask(&stranger.sign(Ask::new("DELETE", &place))).await.expect(204);
        stage.ask(&stranger.sign(Ask::new("PUT", &place))).await.expect(200);
        let import =
            stranger.sign(Ask::new("POST", "/api/v1/messaging/optout/import")).header("content-type", "text/csv");
        assert_eq!(stage.ask(&import.octets(HANDSET)).await.expect(200)["unchanged"], 1);
        stage.ask(&stranger.sign(Ask::new("DELETE", &place))).await.expect(204);
    }
    let found = stage.ask(&tenant.get("/optout")).await.expect(200);
    assert_eq!((found["data"].as_array().unwrap().len(), &found["data"][0]["source"]), (1, &json!("keyword")));
    for path in paths.iter().map(String::as_str).chain(lists).chain(["/optout/import"]) {
        stage.ask(&Ask::new("GET", &format!("/api/v1/messaging{path}"))).await.refused(33001, Value::Null);
    }
}

#[tokio::test]
async fn start_ends_what_stop_began() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    stage.stop_from(&tenant, HANDSET, Mode::Live).await;
    let text = stage
        .text(&tenant, HANDSET, "START", |message| {
            message.keyword = Some(Keyword { kind: KeywordKind::Start, word: "START".into() });
        })
        .await;
    let opt = Some(start(&text));
    stage.record(text, Consequence { opt, reply: None }).await;
    assert_eq!(stage.ask(&tenant.get("/optout")).await.expect(200)["data"], json!([]));
    let history = stage.ask(&tenant.get(&format!("/optout/{HANDSET}/history"))).await.expect(200);
    let changes: Vec<_> = history["data"].as_array().unwrap().iter().map(|line| line["change"].clone()).collect();
    assert_eq!(changes, ["opted_out", "opted_in"]);
}
