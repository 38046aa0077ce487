//! How many connections there may be, how long they may hold their places, and what those hear for whom there is no
//! room.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::support::http::{Ask, Connection};
use crate::support::{ANY_PORT, DEADLINE, RECIPIENT, Stage, basic, eventually};

/// The status line of the answer to a request from another address of this machine.
async fn asked_from(local: &str, address: SocketAddr, ask: &Ask) -> String {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(local.parse().unwrap(), ANY_PORT.port())).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    stream.write_all(&ask.to_bytes()).await.unwrap();
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

/// Whether a new connection is refused at once, without a word from the client.
async fn is_refused(address: SocketAddr, ask: &Ask) -> bool {
    let mut connection = Connection::open(address).await;
    connection.write(&ask.to_bytes()).await;
    connection.reply().await.status == 503
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_address_has_a_share_and_the_others_still_get_in() {
    let stage =
        Stage::with(|config, _| (config.api.connections_max, config.api.connections_per_address) = (8, 4)).await;
    let tenant = stage.tenant().await;
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(TcpStream::connect(stage.api).await.unwrap());
    }
    for _ in 0..100 {
        let mut refused = Connection::open(stage.api).await;
        let reply = refused.reply().await;
        reply.refused(33105, Value::Null);
        assert_eq!(reply.header("connection"), Some("close"));
        assert!(refused.is_over().await);
    }
    assert_eq!(asked_from("127.0.0.2", stage.api, &tenant.get("/message")).await, "HTTP/1.1 200");
    let metrics = Ask::new("GET", "/metrics").send(stage.admin).await.text();
    assert!(
        metrics.contains("smsfactory_http_connections_lost_total{door=\"api\",reason=\"address_full\"} 100"),
        "{metrics}"
    );
    held.pop();
    let ask = tenant.get("/message");
    eventually("a place is free again", async || (!is_refused(stage.api, &ask).await).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_share_is_never_all_there_is() {
    let stage = Stage::with(|config, _| config.api.connections_max = 8).await;
    let mut held = Vec::new();
    for _ in 0..6 {
        held.push(TcpStream::connect(stage.api).await.unwrap());
    }
    Connection::open(stage.api).await.reply().await.refused(33105, Value::Null);
    assert_eq!(asked_from("127.0.0.2", stage.api, &Ask::new("GET", "/page/errors")).await, "HTTP/1.1 200");
    assert_eq!(Ask::new("GET", "/readyz").send(stage.admin).await.status, 200, "the operator has places of their own");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trusted_proxy_may_have_all_places_and_no_more() {
    let stage = Stage::with(|config, _| {
        (config.api.connections_max, config.api.connections_per_address) = (3, 1);
        config.api.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut connection = Connection::open(stage.api).await;
        connection.write(&Ask::new("GET", "/page/errors").to_bytes()).await;
        connection.reply().await.expect_text(200);
        held.push(connection);
    }
    Connection::open(stage.api).await.reply().await.refused(33105, Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_read_nothing_lose_their_places() {
    let stage = Stage::with(|config, _| (config.api.connections_max, config.api.write_timeout_secs) = (2, 1)).await;
    let tenant = stage.tenant().await;
    let many = Ask::new("GET", "/page/errors").to_bytes().repeat(100);
    let silent = [0, 1].map(|_| {
        let (many, address) = (many.clone(), stage.api);
        tokio::spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            // In the end the platform has cut the connection.
            while stream.write_all(&many).await.is_ok() {}
        })
    });
    for silent in silent {
        tokio::time::timeout(DEADLINE, silent).await.expect("a client that reads nothing is cut").unwrap();
    }
    stage.ask(&tenant.post(&tenant.message(RECIPIENT, "hello"))).await.expect(201);
    let metrics = Ask::new("GET", "/metrics").send(stage.admin).await.text();
    assert!(metrics.contains("smsfactory_http_connections_lost_total{door=\"api\",reason=\"unread\"} 2"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handshake_that_does_not_go_on_loses_its_place() {
    let directory = tempfile::TempDir::new().unwrap();
    let (certificate, key) = (directory.path().join("api.pem"), directory.path().join("api.key"));
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let stage = Stage::with(|config, _| {
        (config.api.tls_cert, config.api.tls_key) = (Some(certificate), Some(key));
        config.api.head_timeout_secs = 1;
    })
    .await;
    let mut stream = TcpStream::connect(stage.api).await.unwrap();
    stream.write_all(&[0x16, 3, 1]).await.unwrap();
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(DEADLINE, stream.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "the connection is closed");
    let metrics = Ask::new("GET", "/metrics").send(stage.admin).await.text();
    assert!(metrics.contains("smsfactory_http_connections_lost_total{door=\"api\",reason=\"tls\"} 1"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operators_token_may_be_guessed_so_often_and_still_opens() {
    let stage = Stage::at("2026-03-15T14:30:00.000Z", |config, _| config.limits.failed_auth_per_minute = 5).await;
    let guess = Ask::new("GET", "/admin/v1/accounts").header("authorization", "Bearer a-guess-of-the-token");
    for asked in 0..50 {
        let ask = if asked % 2 == 0 {
            guess.clone()
        } else {
            Ask::new("POST", "/admin/v1/accounts").header("authorization", &basic("uk", "x"))
        };
        let reply = ask.send(stage.admin).await;
        reply.refused_by_operator(if asked < 5 { 33001 } else { 33002 }, Value::Null);
        assert!(asked < 5 || reply.number("retry-after") == 60);
    }
    stage.operate("POST", "/accounts", json!({ "name": "still let in" })).await.expect(201);
    assert_eq!(Ask::new("GET", "/readyz").send(stage.admin).await.status, 200);
    stage.time.advance(Duration::from_secs(60));
    guess.send(stage.admin).await.refused_by_operator(33001, Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_may_be_made_that_never_ends() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    for never in
        ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59+00:00", "9999-12-30T22:00:01Z"]
    {
        let made = stage
            .operate("POST", &format!("/accounts/{}/keys", tenant.account), json!({ "expiresAt": never }))
            .await
            .expect(201);
        assert!(made["expiresAt"].as_str().is_some_and(|at| at.starts_with(&never[..19])), "{made}");
        let key = made["keyId"].as_str().unwrap();
        stage
            .ask(
                &Ask::new("GET", "/api/v1/messaging/message")
                    .header("authorization", &basic(key, made["keySecret"].as_str().unwrap())),
            )
            .await
            .expect(200);
    }
    for (query, count) in [("before=9999-12-31T23:59:59Z", 1), ("after=9999-12-31T23:59:59Z", 0)] {
        if stage.count(&tenant).await == 0 {
            stage.send(&tenant, RECIPIENT, "hello").await;
        }
        let page = stage.ask(&tenant.get(&format!("/message?{query}"))).await.expect(200);
        assert_eq!(page["data"].as_array().unwrap().len(), count, "{query}");
    }
}
