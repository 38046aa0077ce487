//! Messages as they happen: what a reader of the stream of events sees.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::http::Ask;
use crate::support::{DEADLINE, RECIPIENT, Stage, TOKEN};

/// A stream of events.
struct Stream {
    stream: TcpStream,
    text: String,
}

impl Stream {
    /// Opens it, and reads up to its first event, so that nothing is missed from here on.
    async fn open(stage: &Stage, query: &str) -> Self {
        let mut stream = TcpStream::connect(stage.admin).await.unwrap();
        let ask = Ask::new("GET", &format!("/admin/v1/live{query}"))
            .header("authorization", &format!("Bearer {TOKEN}"))
            .header("accept", "text/event-stream");
        stream.write_all(&ask.to_bytes()).await.unwrap();
        let mut opened = Self { stream, text: String::new() };
        opened.until("event: node").await;
        assert!(opened.text.starts_with("HTTP/1.1 200 OK"), "{}", opened.text);
        assert!(opened.text.contains("content-type: text/event-stream"), "{}", opened.text);
        opened
    }

    /// Reads until this is there.
    async fn until(&mut self, wanted: &str) {
        while !self.text.contains(wanted) {
            assert!(self.read().await, "it ended without {wanted}: {}", self.text);
        }
    }

    async fn read(&mut self) -> bool {
        let mut octets = [0; 4096];
        let read = tokio::time::timeout(DEADLINE, self.stream.read(&mut octets)).await;
        let count = read.expect("something comes in time").unwrap();
        self.text.push_str(&String::from_utf8_lossy(&octets[..count]));
        count > 0
    }

    /// The messages so far.
    fn lines(&self) -> Vec<Value> {
        // The last line may not have come as a whole.
        let (whole, _) = self.text.rsplit_once('\n').unwrap_or_default();
        let data = whole.lines().filter_map(|line| line.strip_prefix("data: "));
        data.map(|text| serde_json::from_str(text).unwrap())
            .filter(|line: &Value| line["messageId"].is_string())
            .collect()
    }
}

#[tokio::test]
async fn a_message_is_seen_live_from_acceptance_to_delivery() {
    let stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let mut stream = Stream::open(&stage, "").await;
    let sent = stage.send(&tenant, RECIPIENT, "a secret text").await;
    stream.until(r#""status":"delivered""#).await;
    let lines = stream.lines();
    let seen: Vec<_> = lines.iter().map(|line| (&line["id"], &line["status"], &line["previousStatus"])).collect();
    let (queued, is_sent) = (json!("queued"), json!("sent"));
    assert_eq!(
        seen,
        [
            (&json!(1), &queued, &Value::Null),
            (&json!(2), &is_sent, &queued),
            (&json!(3), &json!("delivered"), &is_sent)
        ]
    );
    for line in &lines {
        assert_eq!((&line["messageId"], &line["accountId"]), (&sent["id"], &json!(tenant.account)));
        assert_eq!((&line["from"], &line["to"]), (&json!(tenant.number), &json!(RECIPIENT)));
        assert_eq!((&line["type"], &line["segments"], &line["mode"]), (&json!("SMS"), &json!(1), &json!("live")));
    }
    assert!(!stream.text.contains("secret"), "the text is left out: {}", stream.text);
}

#[tokio::test]
async fn a_stream_shows_what_its_filter_lets_pass() {
    let stage = Stage::start().await;
    let (one, two) = (stage.tenant().await, stage.tenant().await);
    let mut of_account = Stream::open(&stage, &format!("?accountId={}&status=delivered", two.account)).await;
    let mut of_number = Stream::open(&stage, &format!("?number=%2B{}", &RECIPIENT[1..])).await;
    stage.send(&one, "+12025550199", "hello").await;
    let sent = stage.send(&two, RECIPIENT, "hello").await;
    of_account.until(r#""status":"delivered""#).await;
    of_number.until(r#""status":"delivered""#).await;
    assert_eq!((of_account.lines().len(), &of_account.lines()[0]["messageId"]), (1, &sent["id"]));
    assert!(of_number.lines().iter().all(|line| line["messageId"] == sent["id"]), "{}", of_number.text);
    let statuses = "scheduled, queued, sent, delivered, undelivered, failed or canceled";
    let wrong = json!({ "field": "status", "expected": statuses });
    stage.operate("GET", "/live?status=gone", Value::Null).await.refused_by_operator(33100, wrong);
}

#[tokio::test]
async fn readers_are_bounded_and_their_places_come_back() {
    let stage = Stage::start().await;
    let mut streams = Vec::new();
    for _ in 0..16 {
        streams.push(Stream::open(&stage, "").await);
    }
    let refused = stage.operate("GET", "/live", Value::Null).await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("5")));
    streams.clear();
    crate::support::eventually("a place is free again", async || {
        let ask = Ask::new("HEAD", "/admin/v1/live").header("authorization", &format!("Bearer {TOKEN}"));
        (ask.send(stage.admin).await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_stream_ends_with_the_process_and_tells_what_it_left_out() {
    let mut stage = Stage::start().await;
    let tenant = stage.tenant().await;
    let mut stream = Stream::open(&stage, "?status=queued").await;
    let asks = (0..1_000).map(|_| tenant.post(&tenant.message(RECIPIENT, "hello")));
    for chunk in asks.collect::<Vec<_>>().chunks(50) {
        crate::support::at_once(stage.api, chunk.to_vec()).await;
    }
    let (mut shown, mut left_out) = (0, 0);
    while shown + left_out < 1_000 {
        assert!(stream.read().await, "{shown} shown, {left_out} left out");
        shown = stream.lines().len() as u64;
        let gaps = stream.text.lines().filter_map(|line| line.strip_prefix("data: "));
        let gaps = gaps.map(|text| serde_json::from_str::<Value>(text).unwrap_or_default());
        left_out = gaps.filter_map(|gap| gap["leftOut"].as_u64()).sum();
    }
    assert_eq!(shown + left_out, 1_000, "each is shown or counted, once");
    stage.stop().await;
    while stream.read().await {}
}
