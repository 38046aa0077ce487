//! The codes of requests whose form is wrong: JSON, methods, types, sizes, time, and heads that cannot be read at all.

use serde_json::{Value, json};

use crate::support::http::{Ask, Connection};
use crate::support::{RECIPIENT, Stage};

#[tokio::test]
async fn code_33100_names_the_field_or_the_place() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let deep = format!("{{\"x\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    for (body, info) in [
        (r#"{"to":1}"#.to_owned(), json!({ "field": "to", "expected": "string" })),
        (r#"{"body":["x"]}"#.to_owned(), json!({ "field": "body", "expected": "string" })),
        (r#"{"idempotencyKey":1e400}"#.to_owned(), json!({ "field": "idempotencyKey", "expected": "string" })),
        (r#"{"to":"+1","to":"+1"}"#.to_owned(), json!({ "field": "to", "expected": "no second value" })),
        (String::new(), json!({ "line": 1, "column": 1 })),
        ("{\n  \"to\": nonsense }".to_owned(), json!({ "line": 2, "column": 10 })),
        ("[]".to_owned(), json!({ "line": 1, "column": 1 })),
        (deep, json!({ "line": 1, "column": 69 })),
    ] {
        let reply = stage.ask(&tenant.sign(Ask::new("POST", "/api/v1/messaging/message")).text(body)).await;
        reply.refused(33100, info);
    }
    let both = tenant
        .post(&json!({ "to": RECIPIENT, "from": tenant.number, "body": "x", "idempotencyKey": "one" }))
        .header("idempotency-key", "two");
    let info = json!({ "field": "idempotencyKey", "expected": "the value of the Idempotency-Key header" });
    stage.ask(&both).await.refused(33100, info);
    stage
        .ask(&tenant.get("/message?limit=0"))
        .await
        .refused(33100, json!({ "field": "limit", "expected": "an integer from 1 to 100" }));
}

#[tokio::test]
async fn code_33101_answers_whatever_is_not_there() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    for path in
        ["/message/msg_0000000000000000000000", "/message/nonsense", "/message/%ff", "/nothing", "/message/", ""]
    {
        stage.ask(&tenant.get(path)).await.refused(33101, Value::Null);
    }
    for path in ["/", "/admin/v1/accounts", "/page", "/metrics", "/page/errors/33001/x", "/..", "/%00"] {
        stage.ask(&Ask::new("GET", path)).await.refused(33101, Value::Null);
    }
}

#[tokio::test]
async fn code_33102_lists_the_methods() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    for method in ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO"] {
        let base = "/api/v1/messaging/message";
        let reply = stage.ask(&tenant.sign(Ask::new(method, base))).await;
        reply.refused(33102, Value::Null);
        assert_eq!(reply.header("allow"), Some("GET, HEAD, POST"));
        for (path, signed) in [
            (&*format!("{base}/msg_0000000000000000000000"), true),
            ("/page/errors", false),
            ("/page/errors/33001", false),
        ] {
            let ask = Ask::new(method, path);
            let reply = stage.ask(&if signed { tenant.sign(ask) } else { ask }).await;
            reply.refused(33102, Value::Null);
            assert_eq!(reply.header("allow"), Some("GET, HEAD"), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn code_33103_wants_json() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let message = tenant.message(RECIPIENT, "hello").to_string();
    let post = || tenant.sign(Ask::new("POST", "/api/v1/messaging/message")).octets(message.clone());
    stage.ask(&post()).await.refused(33103, Value::Null);
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonx",
        "application/json+x",
        "",
        "multipart/form-data; boundary=x",
    ] {
        stage.ask(&post().header("content-type", kind)).await.refused(33103, Value::Null);
    }
    for kind in ["application/json", "Application/JSON; charset=utf-8", "application/json;charset=UTF-8"] {
        stage.ask(&post().header("content-type", kind)).await.expect(201);
    }
}

#[tokio::test]
async fn code_33104_bounds_bodies_and_heads() {
    let stage = Stage::with(|config, _| config.api.body_bytes_max = 2_000).await;
    let tenant = stage.tenant().await;
    let padded = |bytes: usize| {
        let message = tenant.message(RECIPIENT, "hello").to_string();
        tenant
            .sign(Ask::new("POST", "/api/v1/messaging/message"))
            .text(format!("{message}{}", " ".repeat(bytes - message.len())))
    };
    stage.ask(&padded(2_000)).await.expect(201);
    stage.ask(&padded(2_001)).await.refused(33104, Value::Null);
    stage.ask(&padded(5_000_000)).await.refused(33104, Value::Null);
    stage.ask(&tenant.get("/message").header("x-long", &"x".repeat(70_000))).await.refused(33104, Value::Null);
    stage.ask(&tenant.get(&format!("/message?x={}", "x".repeat(70_000)))).await.refused(33104, Value::Null);
    let many = (0..200).fold(tenant.get("/message"), |ask, index| ask.header(&format!("x-{index}"), "x"));
    stage.ask(&many).await.refused(33104, Value::Null);
}

#[tokio::test]
async fn code_33105_gives_up_a_body_that_is_too_slow() {
    let stage = Stage::with(|config, _| config.api.body_timeout_secs = 1).await;
    let tenant = stage.tenant().await;
    let whole = tenant.post(&tenant.message(RECIPIENT, "hello")).to_bytes();
    let mut connection = Connection::open(stage.api).await;
    connection.write(&whole[..whole.len() - 1]).await;
    connection.reply().await.refused(33105, Value::Null);
    assert_eq!(stage.count(&tenant).await, 0);
}

#[tokio::test]
async fn code_33105_turns_messages_away_while_draining() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let sent = stage.send(&tenant, RECIPIENT, "hello").await;
    stage.app().pipeline().begin_draining();
    stage.ask(&tenant.post(&tenant.message(RECIPIENT, "hello"))).await.refused(33105, Value::Null);
    let read = stage.ask(&tenant.get(&format!("/message/{}", sent["id"].as_str().unwrap()))).await.expect(200);
    assert_eq!(read["id"], sent["id"]);
}

#[tokio::test]
async fn code_33106_knows_the_alphabet_of_keys() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let longest = "k".repeat(100);
    for key in ["", "a", "a b", "a.b", "a/b", "ключ", &format!("{longest}k"), &"k".repeat(256)] {
        let mut message = tenant.message(RECIPIENT, "hello");
        stage.ask(&tenant.post(&message).header("idempotency-key", key)).await.refused(33106, Value::Null);
        message["idempotencyKey"] = key.into();
        stage.ask(&tenant.post(&message)).await.refused(33106, Value::Null);
    }
    for key in ["ab", &longest, "A-Z_a-z@0(9)"] {
        stage.ask(&tenant.post(&tenant.message(RECIPIENT, "hello")).header("idempotency-key", key)).await.expect(201);
    }
}

#[tokio::test]
async fn code_33107_counts_characters() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    for (character, segments) in [("a", 5), ("é", 5), ("я", 10)] {
        assert_eq!(stage.send(&tenant, RECIPIENT, &character.repeat(640)).await["segments"], segments);
        stage.ask(&tenant.post(&tenant.message(RECIPIENT, &character.repeat(641)))).await.refused(33107, Value::Null);
    }
}

#[tokio::test]
async fn a_head_that_cannot_be_read_is_answered_in_the_envelope() {
    let stage = Stage::start().await;
    for (head, code) in [
        ("nonsense\r\n\r\n", 33100),
        ("GET / HTTP/1.1\r\nhost: a\r\nbad header\r\n\r\n", 33100),
        ("GET / HTTP/9.9\r\n\r\n", 33100),
        ("\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\u{fc}\u{3}\u{3}\r\n\r\n", 33100),
        ("POST /api/v1/messaging/message HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", 33100),
        ("POST /api/v1/messaging/message HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n", 33100),
        ("POST /api/v1/messaging/message HTTP/1.1\r\nhost: a\r\ntransfer-encoding: nonsense\r\n\r\n", 33100),
    ] {
        let mut connection = Connection::open(stage.api).await;
        connection.write(head.as_bytes()).await;
        connection.reply().await.refused(code, Value::Null);
        assert!(connection.is_over().await, "one reply and no more to {head:?}");
    }
}

#[tokio::test]
async fn a_client_that_closes_its_half_of_the_connection_is_answered() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let mut connection = Connection::open(stage.api).await;
    connection.write(&tenant.post(&tenant.message(RECIPIENT, "hello")).to_bytes()).await;
    connection.close_half().await;
    connection.reply().await.expect(201);
}

#[tokio::test]
async fn garbage_behind_a_good_request_is_answered_in_the_envelope() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let mut connection = Connection::open(stage.api).await;
    connection.write(&[tenant.get("/message").to_bytes(), b"nonsense\r\n\r\n".to_vec()].concat()).await;
    connection.reply().await.expect(200);
    connection.reply().await.refused(33100, Value::Null);
    let mut connection = Connection::open(stage.api).await;
    connection.write(&[Ask::new("GET", "/nothing").to_bytes(), b"nonsense\r\n\r\n".to_vec()].concat()).await;
    connection.reply().await.refused(33101, Value::Null);
    connection.reply().await.refused(33100, Value::Null);
}

#[tokio::test]
async fn a_chunked_body_with_a_broken_frame_is_malformed() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let ask = tenant.sign(Ask::new("POST", "/api/v1/messaging/message")).header("content-type", "application/json");
    let ask = ask.header("transfer-encoding", "chunked");
    let mut connection = Connection::open(stage.api).await;
    connection.write(&[ask.to_bytes(), b"zz\r\n{}\r\n0\r\n\r\n".to_vec()].concat()).await;
    connection.reply().await.refused(33100, json!({ "line": 1, "column": 1 }));
}

#[tokio::test]
async fn every_answer_bears_the_rate_limit() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let message = tenant.message(RECIPIENT, "hello");
    let base = "/api/v1/messaging/message";
    let asks = [
        tenant.post(&message),
        tenant.get("/message"),
        tenant.sign(Ask::new("HEAD", base)),
        tenant.sign(Ask::new("DELETE", base)),
        tenant.sign(Ask::new("POST", base)),
        tenant.post(&json!({})),
        Ask::new("POST", base),
        Ask::new("GET", "/page/errors"),
        Ask::new("GET", "/page/errors/33001"),
        Ask::new("GET", "/nothing"),
        Ask::new("OPTIONS", "*"),
        Ask::new("CONNECT", "example.com:443"),
        Ask::new("GET", "http://example.com/nothing"),
    ];
    for ask in asks {
        let reply = stage.ask(&ask).await;
        reply.has_rate_limit();
        assert!(reply.status < 500, "{ask:?} {reply}");
    }
}
